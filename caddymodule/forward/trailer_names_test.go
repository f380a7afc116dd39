package forward

import "testing"

func TestNamesOfTrailers(t *testing.T) {
	for _, name := range []string{"grpc-status", "Grpc-Message", "grpc-status-details-bin", "X-Checksum", "Digest", "Server-Timing", "ETag"} {
		if err := checkPassTrailers([]string{name}); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
	for _, name := range []string{
		"", "a b", "a:b", "{x}",
		"authorization", "Proxy-Authorization", "WWW-Authenticate", "cookie", "Set-Cookie", "Authentication-Info",
		"content-length", "Transfer-Encoding", "Trailer", "TE", "Connection", "Upgrade", "Host", "Keep-Alive",
		"Content-Type", "Content-Encoding", "Content-Range", "Content-Security-Policy", "Content-Location", "Location", "Link", "Cache-Control", "Vary",
		"Access-Control-Allow-Origin", "X-Accel-Redirect", "Strict-Transport-Security", "Clear-Site-Data", "Sec-Anything", "Retry-After", "Via",
	} {
		if err := checkPassTrailers([]string{name}); err == nil {
			t.Errorf("%s is let through", name)
		}
	}
}
