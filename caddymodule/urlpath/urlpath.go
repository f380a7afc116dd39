// Package urlpath refuses paths of URLs that mean one thing to one server and another to the next. A
// check that was made here would not hold there.
package urlpath

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxEscapes is how many layers of escaping a path is looked through.
const maxEscapes = 4

// Check refuses an escaped path in which, at any layer of escaping, there is
// something that servers read in different ways: dot segments, also with
// parameters ("..;"), escaped slashes, backslashes, control bytes, bytes that
// are not UTF-8. The error says which, and holds nothing of the path.
func Check(escaped string) error {
	if plain(escaped) {
		return nil
	}
	if problem := ambiguous(escaped); problem != "" {
		return errors.New("path has " + problem)
	}
	for layer, path := 0, escaped; strings.Contains(path, "%"); layer++ {
		if layer == maxEscapes {
			return errors.New("path is escaped over and over")
		}
		decoded, whole := unescapeLeniently(path)
		if !whole && layer == 0 {
			return errors.New("path has an invalid escape")
		}
		problem := ambiguous(decoded)
		if strings.Count(decoded, "/") != strings.Count(path, "/") {
			problem = "an escaped slash"
		}
		if problem != "" {
			return errors.New("path has " + problem)
		}
		if decoded == path {
			return nil // percent signs that stand for themselves
		}
		path = decoded
	}
	return nil
}

// CheckOneSpelling refuses what Check refuses, and what a server that tidies paths up
// would write in another way: single dots and empty segments, at any layer of escaping. A slash at the
// end is kept by all of them.
func CheckOneSpelling(escaped string) error {
	if plain(escaped) {
		return nil
	}
	if err := Check(escaped); err != nil {
		return err
	}
	if strings.Contains(escaped, "//") {
		return errors.New("path has an empty segment")
	}
	// Check has seen that this comes to an end, and that no slash is added.
	for path := escaped; ; {
		for segment := range strings.SplitSeq(path, "/") {
			if name, _, _ := strings.Cut(segment, ";"); name == "." {
				return errors.New("path has a . segment")
			}
		}
		decoded, _ := unescapeLeniently(path)
		if decoded == path {
			return nil
		}
		path = decoded
	}
}

// plain reports whether a path has nothing in it that calls for a closer look, as nearly all
// have: no escapes, nothing but printable ASCII, and neither an empty segment nor one that begins with a dot.
func plain(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ' || c >= 0x7f || c == '%' || c == '\\':
			return false
		case c == '/' || c == '.':
			if i == 0 && c == '.' || i > 0 && path[i-1] == '/' {
				return false
			}
		}
	}
	return true
}

// unescapeLeniently decodes the valid escapes of s and leaves the others as they
// are, as lenient servers do. whole reports whether there were no others.
func unescapeLeniently(s string) (decoded string, whole bool) {
	var b strings.Builder
	whole = true
	for {
		plain, rest, found := strings.Cut(s, "%")
		b.WriteString(plain)
		if !found {
			return b.String(), whole
		}
		if octet, err := url.PathUnescape("%" + rest[:min(2, len(rest))]); err == nil {
			b.WriteString(octet)
			rest = rest[2:]
		} else {
			b.WriteByte('%')
			whole = false
		}
		s = rest
	}
}

// ambiguous names what is ambiguous in path, "" if nothing is.
func ambiguous(path string) string {
	for i := range len(path) {
		switch c := path[i]; {
		case c < 0x20 || c == 0x7f:
			return "a control byte"
		case c == '\\':
			return "a backslash"
		}
	}
	if !utf8.ValidString(path) {
		return "bytes that are not UTF-8"
	}
	if !strings.Contains(path, "..") {
		return ""
	}
	for segment := range strings.SplitSeq(path, "/") {
		if name, _, _ := strings.Cut(segment, ";"); strings.TrimSpace(name) == ".." { // some servers cut blanks off
			return "a .. segment"
		}
	}
	return ""
}
