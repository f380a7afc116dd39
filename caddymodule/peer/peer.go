// Package peer knows as which user the process runs that is at the other end of a unix socket. The system
// tells it, and no process can say otherwise.
package peer

import (
	"context"
	"crypto/tls"
	"net"
	"reflect"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

type contextKey struct{}

// Watch makes a server look at who opens connections to it. It may be called while a handler of the server is
// provisioned, for each handler.
func Watch(s *caddyhttp.Server) { s.RegisterConnContext(note) }

// UID returns the user id of the process that opened the connection that a request came by; ctx is the request's context. ok is
// false if nobody watches its server, and if it did not come through a unix socket.
func UID(ctx context.Context) (uid uint32, ok bool) {
	uid, ok = ctx.Value(contextKey{}).(uint32)
	return uid, ok
}

// note is called once for each connection and each handler that watches.
func note(ctx context.Context, c net.Conn) context.Context {
	if _, known := UID(ctx); known {
		return ctx
	}
	conn, ok := unixConn(c)
	if !ok {
		return ctx
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return ctx // closed by now
	}
	var uid uint32
	if errControl := raw.Control(func(fd uintptr) { uid, err = uidOf(int(fd)) }); errControl != nil || err != nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, uid)
}

// mostLayers bounds how deep a connection may be wrapped.
const mostLayers = 8

// unixConn finds the socket beneath what TLS, Caddy and its plugins wrap around it.
func unixConn(c net.Conn) (*net.UnixConn, bool) {
	for range mostLayers {
		switch wrapped := c.(type) {
		case *net.UnixConn:
			return wrapped, true
		case *tls.Conn:
			c = wrapped.NetConn()
		case interface{ NetConn() net.Conn }:
			c = wrapped.NetConn()
		case interface{ Unwrap() net.Conn }:
			c = wrapped.Unwrap()
		default:
			c = embedded(c)
		}
		if c == nil {
			return nil, false
		}
	}
	return nil, false
}

// embedded returns the connection that c has embedded, as those have that Caddy makes where a server speaks one version of
// HTTP alone; nil if there is none.
func embedded(c net.Conn) net.Conn {
	v := reflect.Indirect(reflect.ValueOf(c))
	if v.Kind() != reflect.Struct {
		return nil
	}
	field := v.FieldByName("Conn")
	if !field.IsValid() || !field.CanInterface() {
		return nil
	}
	inner, _ := reflect.TypeAssert[net.Conn](field)
	return inner
}
