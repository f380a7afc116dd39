package site

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func TestSiteIsExposed(t *testing.T) {
	for _, tc := range []struct {
		host, listen string
		want         bool
	}{
		{"localhost", ":8080", false},
		{"tokens.example", ":8080", true},
		{"tokens.example", "192.0.2.7:8080", true},
		{"tokens.example", "127.0.0.1:8080", false},
		{"tokens.example", "[::1]:8080", false},
		{"tokens.example", "unix//run/caddy.sock", false},
	} {
		hosts := caddyhttp.MatchHost{tc.host}
		server := &caddyhttp.Server{
			Listen: []string{tc.listen},
			Routes: caddyhttp.RouteList{{MatcherSets: caddyhttp.MatcherSets{{&hosts}}}},
		}
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.WithValue(t.Context(), caddyhttp.ServerCtxKey, server)})
		if got := Of(ctx).Exposed; got != tc.want {
			t.Errorf("%s at %s: exposed %t", tc.host, tc.listen, got)
		}
		cancel()
	}
}

func FuzzHostname(f *testing.F) {
	for _, s := range []string{"localhost", "localhost:80", "[::1]:80", "[::1", "a:b", "", "a..b", "[]", "[::ffff:1.2.3.4]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, ok := Hostname(s)
		if !ok {
			return
		}
		if host == "" || strings.ContainsAny(host, "[]@/\\?#% \t") {
			t.Errorf("%q: host %q", s, host)
		}
		// What the rest of the world makes of it must be the same.
		if got, _, err := net.SplitHostPort(s); err == nil && got != host {
			t.Errorf("%q: host %q, and %q for package net", s, host, got)
		}
	})
}
