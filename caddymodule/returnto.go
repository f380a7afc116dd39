package caddymodule

import (
	"net/url"
	"strings"
)

// maxReturnTo bounds a return_to.
const maxReturnTo = 2048

// isReturnTo reports whether a browser may be sent to s when a consent is
// done: s must be a path of this very site, for every parser there is. Browsers take "//" and "/\" for
// the beginning of another host and drop tabs and newlines first; proxies
// unescape what they should not. So nothing of the kind is let through, in any
// layer of escaping.
func isReturnTo(s string) bool {
	if len(s) > maxReturnTo || !strings.HasPrefix(s, "/") {
		return false
	}
	path, query, _ := strings.Cut(s, "?")
	for layer := 0; ; layer++ {
		if !isPlainPath(path) || layer > maxEscapes {
			return false
		}
		decoded, err := url.PathUnescape(path)
		if err != nil {
			return false
		}
		if decoded == path {
			return isPrintable(query)
		}
		path = decoded
	}
}

func isPlainPath(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.ContainsAny(path, "\\?#@") || !isPrintable(path) {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if name, _, _ := strings.Cut(segment, ";"); name == "." || name == ".." {
			return false
		}
	}
	return true
}

// isPrintable reports whether s is of visible ASCII and cannot end an attribute or a header.
func isPrintable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '#' {
			return false
		}
	}
	return true
}
