package headers_test

import (
	"net/http"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

func TestForwardingHeaders(t *testing.T) {
	for _, name := range []string{
		"Forwarded", "Via", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Anything", "X-Original-Forwarded-For",
		"X-Real-Ip", "X-Real-IP", "x-real-ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "CF-Connecting-IPv6", "Cdn-Loop",
		"Fastly-Client-Ip", "Fly-Client-Ip", "X-Envoy-External-Address", "X-Azure-Clientip", "CloudFront-Viewer-Address",
		"Tailscale-User-Login", "Ngrok-Auth-User-Id", "Caddy-Templates-Include",
	} {
		if !headers.IsForwarding(http.CanonicalHeaderKey(name)) {
			t.Errorf("%s is none", name)
		}
	}
	// What programs send of their own accord.
	for _, name := range []string{
		"", "Host", "Accept", "Authorization", "Connection", "User-Agent", "X-Requested-With", "X-Request-Id", "Traceparent", "X-Amzn-Trace-Id",
		"X-Forward", "Forwarded-Thing", "Fastly-Key", "Cf-Access-Client-Id", "Dropbox-Api-Arg", "X-Amz-Date", "X-Goog-User-Project", "Idempotency-Key",
	} {
		if headers.IsForwarding(http.CanonicalHeaderKey(name)) {
			t.Errorf("%s is one", name)
		}
	}
}
