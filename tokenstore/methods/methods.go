// Package methods says which methods of HTTP may be forwarded to an API.
package methods

import (
	"fmt"
	"net/http"
)

// Standard returns the methods that are forwarded unless somebody says otherwise (RFC 9110, RFC 5789), in a slice of the caller's own.
func Standard() []string {
	return []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
}

// Check returns why a method can never be forwarded, nil if it can.
func Check(method string) error {
	switch method {
	case http.MethodConnect, http.MethodTrace, "TRACK", "DEBUG", "PRI":
		return fmt.Errorf("%s is never forwarded: it opens a tunnel, or has the server repeat what it was sent, the token too", method)
	}
	const longest = 32
	known := method != "" && len(method) <= longest
	for _, c := range []byte(method) {
		// Names are case-sensitive (RFC 9110 section 9.1), and not every server knows.
		known = known && (c >= 'A' && c <= 'Z' || c == '-')
	}
	if !known {
		return fmt.Errorf("%.100q is no method; write its name in capital letters, such as PROPFIND", method)
	}
	return nil
}
