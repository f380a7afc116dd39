package oauth

import (
	"net/http"
	"strings"
	"time"
)

// maxRetryAfter bounds how long a server can make us wait. Without it, one
// broken header would put a provider to sleep for good.
const maxRetryAfter = time.Hour

// retryAfter reads a Retry-After header (RFC 9110 section 10.2.3): seconds or a
// date. What it cannot read is 0, which means that the server did not say.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	if header == "" {
		return 0
	}
	var d time.Duration
	for _, c := range header {
		if c < '0' || c > '9' {
			return 0
		}
		d = min(d*10+time.Duration(c-'0')*time.Second, maxRetryAfter)
	}
	return d
}
