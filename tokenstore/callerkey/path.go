package callerkey

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// coversPath reports whether one of the patterns stands for the path, and for nothing else that the
// path may turn out to be: a server that resolves /files/../users is sent nothing that looks like it.
func coversPath(patterns []string, path string) bool {
	return strings.HasPrefix(path, "/") &&
		slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, path) }) &&
		!mayClimb(path)
}

func matches(pattern, path string) bool {
	if prefix, open := strings.CutSuffix(pattern, wildcard); open {
		return strings.HasPrefix(path, prefix)
	}
	return pattern == path
}

// coversPattern reports whether all that the pattern stands for is covered.
func coversPattern(patterns []string, pattern string) bool {
	prefix := strings.TrimSuffix(pattern, wildcard)
	return slices.ContainsFunc(patterns, func(p string) bool {
		return p == pattern || strings.HasSuffix(p, wildcard) && matches(p, prefix)
	})
}

// maxEscapes is how often a path may be escaped. Nothing that means well escapes twice.
const maxEscapes = 4

// mayClimb reports whether a server could read the path as one with a segment "." or "..": after
// unescaping it once or several times, with a backslash for a slash, or with parameters behind a
// semicolon. It does so too if the path is not well escaped, or of no text, as nobody knows what a server
// makes of it.
func mayClimb(path string) bool {
	for level := range maxEscapes {
		if hasDotSegment(path) || !utf8.ValidString(path) || strings.ContainsFunc(path, unicode.IsControl) {
			return true
		}
		if strings.IndexByte(path, '%') < 0 {
			return false
		}
		unescaped, err := url.PathUnescape(path)
		if err != nil {
			return level == 0 // further down, a percent sign may be one
		}
		path = unescaped
	}
	return true
}

func hasDotSegment(path string) bool {
	for len(path) > 0 {
		segment := path
		if i := strings.IndexAny(path, `/\`); i >= 0 {
			segment, path = path[:i], path[i+1:]
		} else {
			path = ""
		}
		segment, _, _ = strings.Cut(segment, ";")
		segment = strings.TrimSpace(segment) // as some servers do
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
