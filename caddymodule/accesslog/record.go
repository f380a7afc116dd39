package accesslog

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// record is what Caddy would log of one request, in Caddy's own words and fields.
type record struct {
	http        *zap.Logger
	request     zap.Field
	target      string // of the request, without the key
	credentials bool   // log_credentials is set
	names       []string
	access      bool // the request is to be in the access log
	response    caddyhttp.ResponseRecorder
	body        countedBody
	repl        *caddy.Replacer
	vars        map[string]any // of the request, which handlers change
	began       time.Time
}

func newRecord(log *zap.Logger, w http.ResponseWriter, r *http.Request) *record {
	rec := &record{http: log, response: caddyhttp.NewResponseRecorder(w, nil, nil), began: time.Now()}
	if began, ok := caddyhttp.GetVar(r.Context(), "start_time").(time.Time); ok {
		rec.began = began
	}
	rec.repl, _ = r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	rec.vars, _ = r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	if logs := logsOf(r); logs != nil {
		skip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.LogSkipVar).(bool)
		rec.access = !skip && wants(logs, r.Host)
		rec.names = loggerNames(logs, r)
		rec.credentials = logs.ShouldLogCredentials
	} else {
		rec.names = []string{""}
	}
	clean := redacted(r)
	rec.target = clean.RequestURI
	rec.request = zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: clean, ShouldLogCredentials: rec.credentials})
	return rec
}

// hideArrived puts the target without the key in the place of the one that arrived, for whoever uses these
// placeholders behind the route, in a header or in a log.
func (rec *record) hideArrived() {
	if rec.repl == nil {
		return
	}
	_, raw, _ := strings.Cut(rec.target, "?")
	rec.repl.Set("http.request.orig_uri", rec.target)
	rec.repl.Set("http.request.orig_uri.query", raw)
}

// countBody counts what is read of r's body from here on.
func (rec *record) countBody(r *http.Request) {
	if r.Body != nil {
		rec.body.ReadCloser = r.Body
		r.Body = &rec.body
	}
}

// writeAccess is what Caddy logs of a request that was handled.
func (rec *record) writeAccess() {
	if !rec.access {
		return
	}
	var user string
	if rec.repl != nil {
		user, _ = rec.repl.GetString("http.auth.user.id")
	}
	rec.write("log.access", rec.level(), "handled request",
		zap.Int("bytes_read", rec.body.read),
		zap.String("user_id", user),
		zap.Duration("duration", time.Since(rec.began)),
		zap.Int("size", rec.response.Size()),
		zap.Int("status", rec.response.Status()),
		zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: rec.response.Header(), ShouldLogCredentials: rec.credentials}))
}

// level is that of an entry in the access log: by the status, or what log_level has set.
func (rec *record) level() zapcore.Level {
	if name, ok := rec.vars[caddyhttp.LogLevelVar].(string); ok {
		if level, err := zapcore.ParseLevel(name); err == nil && level >= zapcore.DebugLevel && level <= zapcore.ErrorLevel {
			return level
		}
	}
	if rec.response.Status() >= 500 {
		return zapcore.ErrorLevel
	}
	return zapcore.InfoLevel
}

// writeError is what Caddy logs and answers when a handler fails.
func (rec *record) writeError(err error) {
	status, id, trace := http.StatusInternalServerError, "", ""
	if e, ok := errors.AsType[caddyhttp.HandlerError](err); ok {
		id, trace = e.ID, e.Trace
		if e.StatusCode != 0 {
			status = e.StatusCode
		}
		if e.Err != nil {
			err = e.Err
		}
	}
	level := zapcore.DebugLevel
	if status >= 500 {
		level = zapcore.ErrorLevel
	}
	rec.write("log.error", level, err.Error(), zap.Duration("duration", time.Since(rec.began)),
		zap.Int("status", status), zap.String("err_id", id), zap.String("err_trace", trace))
	if rec.response.Status() == 0 { // else the answer has begun
		rec.response.WriteHeader(status)
	}
}

func (rec *record) write(logger string, level zapcore.Level, message string, fields ...zap.Field) {
	for _, name := range rec.names {
		log := rec.http.Named(logger)
		if name != "" {
			log = log.Named(name)
		}
		if c := log.Check(level, message); c != nil {
			c.Write(append([]zap.Field{rec.request}, fields...)...)
		}
	}
}

// countedBody counts what is read of a body.
type countedBody struct {
	io.ReadCloser
	read int
}

// Read implements io.Reader.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += n
	return n, err
}
