// Package accesslog keeps the keys of callers out of Caddy's logs. Clients of Azure API Management send
// theirs in the query or in a header of its own, and Caddy logs both: it puts a request down for its logs before any
// handler sees it. So such a request is taken out of Caddy's own logs, and put in again without the key.
package accesslog

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/query"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// How clients of Azure API Management send their key.
const (
	KeyParameter = "subscription-key"
	KeyHeader    = "Ocp-Apim-Subscription-Key"
)

// Log handles requests that carry a key. It is safe for concurrent use.
type Log struct {
	http *zap.Logger // the one of Caddy's app http, which writes what this replaces
}

// New returns the Log of a handler that is being provisioned with ctx.
func New(ctx caddy.Context) *Log {
	// This form of Logger is kept for those who log for another module: the records have to go where
	// the operator sends those of the site.
	return &Log{http: ctx.Logger(new(caddyhttp.App))}
}

// KeyOf returns the key that Handle has taken off r, or an empty one.
func KeyOf(r *http.Request) secret.String {
	key, _ := caddyhttp.GetVar(r.Context(), keyVar).(secret.String)
	return key
}

// keyVar is the variable of a request that has the key. Its type shows it to nobody.
const keyVar = "token_store.caller_key"

// Handle runs next for a request that carries a key. Next finds it by KeyOf alone, and the access log has REDACTED in its place. An
// error of next is logged and answered here, as Caddy does it where there is no handle_errors: Caddy itself
// would log the key with it.
func (l *Log) Handle(w http.ResponseWriter, r *http.Request, next func(http.ResponseWriter, *http.Request) error) {
	rec := newRecord(l.http, w, r)
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	caddyhttp.SetVar(r.Context(), keyVar, secret.New(takeKey(r)))
	rec.hideArrived()
	rec.countBody(r)
	defer rec.writeAccess() // also if next panics, as reverse_proxy does when an answer is cut
	if err := next(rec.response, r); err != nil {
		rec.writeError(err)
	}
}

// BearerOf returns the key or grant in the Authorization of r. Caddy does not log that header, unless
// log_credentials is set.
func BearerOf(r *http.Request) (key string, ok bool) {
	scheme, value, found := strings.Cut(r.Header.Get("Authorization"), " ")
	value = strings.TrimSpace(value)
	if !found || !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(value, callerkey.Prefix) && !strings.HasPrefix(value, callerkey.GrantPrefix) {
		return "", false
	}
	return value, true
}

// CarriesKey reports whether there is a key in r that Caddy would log. What arrived counts too: the logs have that, whatever has become of
// r since.
func CarriesKey(r *http.Request) bool {
	if _, ok := r.Header[KeyHeader]; ok {
		return true
	}
	if logs := logsOf(r); logs != nil && logs.ShouldLogCredentials && anyLooksLikeKey(r.Header["Authorization"]) {
		return true
	}
	_, target := arrived(r)
	_, raw, _ := strings.Cut(target, "?")
	return looksLikeKey(target) || anyLooksLikeKey(r.Header["Referer"]) || hasKey(raw) || hasKey(r.URL.RawQuery)
}

// looksLikeKey reports whether there is a key or a grant in text, which may have got into it by mistake.
func looksLikeKey(text string) bool {
	return strings.Contains(text, callerkey.Prefix) || strings.Contains(text, callerkey.GrantPrefix)
}

func anyLooksLikeKey(values []string) bool { return slices.ContainsFunc(values, looksLikeKey) }

func hasKey(raw string) bool { return raw != "" && query.Has(raw, KeyParameter) }

// arrived returns the method and the target of r before any rewrite.
func arrived(r *http.Request) (method, target string) {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.Method, original.RequestURI
	}
	return r.Method, r.RequestURI
}

// redacted returns what a log may have of r as it arrived.
func redacted(r *http.Request) *http.Request {
	clean := r.Clone(r.Context())
	method, target := arrived(r)
	path, raw, _ := strings.Cut(target, "?")
	if raw != "" {
		path += "?" + query.Redact(raw, KeyParameter)
	}
	clean.Method, clean.RequestURI = method, callerkey.Redact(path)
	for _, values := range clean.Header {
		for i, value := range values {
			values[i] = callerkey.Redact(value)
		}
	}
	if _, ok := clean.Header[KeyHeader]; ok {
		clean.Header[KeyHeader] = []string{"REDACTED"}
	}
	return clean
}

// takeKey takes the key off r, and returns it. If there are several, it is the one in the header, as with Azure.
func takeKey(r *http.Request) string {
	key := r.Header.Get(KeyHeader)
	if key == "" {
		key = query.Get(r.URL.RawQuery, KeyParameter)
	}
	delete(r.Header, KeyHeader)
	r.URL.RawQuery = query.Without(r.URL.RawQuery, KeyParameter)
	path, raw, _ := strings.Cut(r.RequestURI, "?")
	r.RequestURI = path
	if rest := query.Without(raw, KeyParameter); rest != "" {
		r.RequestURI += "?" + rest
	}
	return key
}
