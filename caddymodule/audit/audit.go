// Package audit writes down who used which connection for what.
package audit

import (
	"net"
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/peer"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

// Name is that of the logger below the app's: Caddy's log configuration finds the records
// as token_store.audit.
const Name = "audit"

// How a caller wants to use a connection.
const (
	Endpoint = "endpoint" // it gets the token
	Forward  = "forward"  // its request is forwarded with the token
	Guard    = "guard"    // a handler behind a token_guard decides
	Grant    = "grant"    // it gets a grant for a page
)

// Log is a stream of records. A nil Log takes them and keeps nothing. It is safe for concurrent use.
type Log struct {
	logger *zap.Logger
}

// New returns a Log that writes to the app's logger.
func New(app *zap.Logger) *Log { return &Log{app.Named(Name)} }

// Use is one use of a connection, or one that was refused.
type Use struct {
	// Caller is the kind of rule that let the caller in, and Name who it is, as far as the rule tells. Both are empty if
	// none did.
	Caller, Name string
	// Connection is provider/connection; empty if the request was refused before one was looked for.
	Connection string
	As         string // Endpoint, Forward, Guard or Grant
	Path       string // escaped, without the query
	Status     int    // of the answer; 0 if there is none, since the client has left
	Refused    string // the code of the problem; empty if it was not refused
}

// Write records u, which came of r. A refusal is a warning. The query is never written: it may have anything in it.
func (l *Log) Write(r *http.Request, u Use) {
	if l == nil {
		return
	}
	level, message := zapcore.InfoLevel, "connection used"
	if u.Refused != "" {
		level, message = zapcore.WarnLevel, "use refused"
	}
	c := l.logger.Check(level, message)
	if c == nil {
		return
	}
	client, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	fields := []zap.Field{
		zap.String("connection", u.Connection), zap.String("as", u.As),
		zap.String("caller", u.Caller), zap.String("name", u.Name),
		zap.String("remote_ip", addressOf(r.RemoteAddr)), zap.String("client_ip", client), zap.String("origin", r.Header.Get("Origin")),
		zap.String("method", r.Method), zap.String("host", r.Host), zap.String("path", callerkey.Redact(u.Path)), zap.Int("status", u.Status),
	}
	if uid, ok := peer.UID(r.Context()); ok {
		fields = append(fields, zap.Uint32("uid", uid))
	}
	if u.Refused != "" {
		fields = append(fields, zap.String("refused", u.Refused))
	}
	c.Write(fields...)
}

func addressOf(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote // a unix socket
}
