package connect

import (
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/urlpath"
)

// maxReturnTo bounds a return_to.
const maxReturnTo = 2048

// isReturnTo reports whether a browser may be sent to s when a consent is
// done: s must be a path of this very site, for every parser there is. Browsers take "//" and "/\" for
// the beginning of another host and drop tabs and newlines first; proxies
// unescape what they should not. So nothing of the kind is let through, in any
// layer of escaping.
func isReturnTo(s string) bool {
	path, query, _ := strings.Cut(s, "?")
	return len(s) <= maxReturnTo && isPlainPath(path) && isPrintable(query)
}

// isPlainPath reports whether an escaped path is absolute and can be read in one way only.
func isPlainPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//") && !strings.ContainsAny(path, "?@") &&
		isPrintable(path) && urlpath.Check(path) == nil
}

// isPrintable reports whether s is of visible ASCII, and of nothing that ends an
// attribute, a header or a URL's query.
func isPrintable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>\#`, c) >= 0 {
			return false
		}
	}
	return true
}
