// Package query reads parameters of raw query strings, and takes single ones out; the others keep their bytes and their order.
package query

import (
	"net/url"
	"strings"
)

// Has reports whether a raw query has a parameter of one of these names, in any case and however it is
// escaped.
func Has(raw string, names ...string) bool {
	for pair := range strings.SplitSeq(raw, "&") {
		if isOneOf(pair, names) {
			return true
		}
	}
	return false
}

// Get returns the value of the first parameter of this name, in any case and however it is escaped; "" if there is
// none.
func Get(raw, name string) string {
	for pair := range strings.SplitSeq(raw, "&") {
		for part := range strings.SplitSeq(pair, ";") {
			if !isOneOf(part, []string{name}) {
				continue
			}
			_, value, _ := strings.Cut(part, "=")
			if decoded, err := url.QueryUnescape(value); err == nil {
				return decoded
			}
			return value
		}
	}
	return ""
}

// Without returns a raw query without the parameters of these names, in any case and however they are
// escaped.
func Without(raw string, names ...string) string {
	if raw == "" {
		return raw
	}
	kept := make([]string, 0, strings.Count(raw, "&")+1)
	for pair := range strings.SplitSeq(raw, "&") {
		if !isOneOf(pair, names) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// Redact returns a raw query for a log: each of the parameters that Without takes out is REDACTED in it, so that
// one sees that it was there.
func Redact(raw string, names ...string) string {
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		if isOneOf(pair, names) {
			pairs[i] = "REDACTED"
		}
	}
	return strings.Join(pairs, "&")
}

// isOneOf reports whether a pair, or a part of it, is a parameter of one of these names: some servers still
// split at semicolons too.
func isOneOf(pair string, names []string) bool {
	for part := range strings.SplitSeq(pair, ";") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		name = strings.TrimSpace(name)
		for _, wanted := range names {
			if strings.EqualFold(name, wanted) {
				return true
			}
		}
	}
	return false
}
