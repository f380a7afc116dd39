package forward

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/query"
)

func TestRequestHeaders(t *testing.T) {
	in := http.Header{
		"Accept":                     {"*/*"},
		"Content-Type":               {"application/octet-stream"},
		"Dropbox-Api-Arg":            {"{\"path\":\"/\u00fcber\"}"},
		"Dropbox-Api-Path-Root":      {"x"},
		"As-User":                    {"1"},
		"X-Api-Key":                  {"the client's"},
		"X-Amz-Security-Token":       {"the client's"},
		"X-Csrf-Token":               {"the client's"},
		"X-Xsrf-Token":               {"the client's"},
		"Remote-User":                {"admin"},
		"X-Remote-User":              {"admin"},
		"X-Webauth-User":             {"admin"},
		"X-Auth-Request-Email":       {"admin@example.com"},
		"Range":                      {"bytes=0-1"},
		"User-Agent":                 {""},
		"Te":                         {"trailers"},
		"Via":                        {"1.1 inner.example", "1.1 Caddy"},
		"Authorization":              {"Basic client", "Basic again"},
		"Proxy-Authorization":        {"Basic client"},
		"Cookie":                     {"session=1"},
		"Origin":                     {"https://app.example.com"},
		"Referer":                    {"https://app.example.com/secret"},
		"Forwarded":                  {"for=10.0.0.1"},
		"X-Forwarded-For":            {"10.0.0.1"},
		"X-Forwarded-Host":           {"inner.example"},
		"X-Forwarded-Anything":       {"1"},
		"X-Real-Ip":                  {"10.0.0.1"},
		"X-Http-Method-Override":     {"DELETE"},
		"X-Original-Url":             {"/admin"},
		"X-Rewrite-Url":              {"/admin"},
		"Sec-Fetch-Site":             {"cross-site"},
		"Sec-Ch-Ua":                  {"x"},
		"Access-Control-Request-Foo": {"x"},
		"Dropbox-Api-Select-User":    {"dbmid:1"},
		"Dropbox-Api-Select-Admin":   {"dbmid:1"},
		"X-Goog-User-Project":        {"other"},
		"X-Api-Token":                {"the client's"},
	}
	kept := http.Header{
		"Accept":          {"*/*"},
		"Content-Type":    {"application/octet-stream"},
		"Dropbox-Api-Arg": {"{\"path\":\"/\u00fcber\"}"},
		"Range":           {"bytes=0-1"},
		"User-Agent":      {""},
		"Te":              {"trailers"},
		"Via":             {"1.1 Caddy"},
	}
	if diff := cmp.Diff(kept, filtered(in, "X-Api-Token")); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}

	kept["Cookie"], kept["X-Goog-User-Project"] = in["Cookie"], in["X-Goog-User-Project"]
	if diff := cmp.Diff(kept, filtered(in, "X-Api-Token", "cookie", "x-goog-user-project", "X-Api-Token")); diff != "" {
		t.Errorf("with pass_header (-want +got):\n%s", diff)
	}
}

// filtered returns what goes upstream of in.
func filtered(in http.Header, inject string, pass ...string) http.Header {
	h := in.Clone()
	keepListed(h, ofGeneric(pass, nil).request, inject)
	return h
}

func TestUpgrades(t *testing.T) {
	handshake := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-WebSocket-Key": {"k"}, "Sec-Websocket-Version": {"13"}, //nolint:canonicalheader // reverse_proxy writes them so
	}
	if diff := cmp.Diff(handshake, filtered(handshake, "Authorization")); diff != "" {
		t.Errorf("a WebSocket's handshake (-want +got):\n%s", diff)
	}
	h2c := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"h2c"}, "Http2-Settings": {"AAMAAABkAAQAAP__"}}
	if got := filtered(h2c, "Authorization"); got.Get("Upgrade") != "" || got.Get("Connection") != "" {
		t.Errorf("h2c goes upstream: %v", got)
	}
}

func TestDroppedParameters(t *testing.T) {
	for _, tc := range []struct{ name, query, want string }{
		{"an access token", "access_token=x&a=1", "a=1"},
		{"by another name", "oauth_token=x&bearer_token=y&a=1", "a=1"},
		{"Dropbox's way around preflights", "authorization=Bearer+x&arg=%7B%7D", "arg=%7B%7D"},
		{"a caller's key", "subscription-key=k&a", "a"},
		{"another method", "_method=DELETE&a=1&X-HTTP-Method-Override=PUT", "a=1"},
		{"a key may be anything", "key=k&token=t&page_token=p", "key=k&token=t&page_token=p"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := query.Without(tc.query, droppedParameters...); got != tc.want {
				t.Errorf("%q became %q, not %q", tc.query, got, tc.want)
			}
		})
	}
}
