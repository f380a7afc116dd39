package forward

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// shortestEcho is the length of the shortest token that is looked for. A shorter one would
// stand in other texts by chance.
const shortestEcho = 8

// echoes reports whether the token stands in a header, plainly or in one of the
// encodings that servers use when they repeat what they were sent.
func echoes(h http.Header, token string) bool {
	if len(token) < shortestEcho {
		return false
	}
	search := echoSearch{token: token}
	for name, values := range h {
		if len(name) >= len(token) && search.inName(name) {
			return true
		}
		for _, value := range values {
			if len(value) >= len(token) && search.in(value) {
				return true
			}
		}
	}
	return false
}

// echoesInText is as echoes, for one text.
func echoesInText(text, token string) bool {
	search := echoSearch{token: token}
	return len(token) >= shortestEcho && len(text) >= len(token) && search.in(text)
}

// echoSearch looks for a token in texts that are long enough to hold it.
type echoSearch struct {
	token string
	forms []string // made for the first text
}

func (s *echoSearch) in(text string) bool {
	if s.forms == nil {
		s.forms = encodings(s.token)
	}
	if s.plainlyIn(text) {
		return true
	}
	// One escape makes it worth to undo them all: in one text there may be several kinds,
	// and who writes %2b for one byte may write %41 for another.
	return strings.ContainsAny(text, `%\`) && s.plainlyIn(unescape(text))
}

func (s *echoSearch) plainlyIn(text string) bool {
	for _, form := range s.forms {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// inName looks in a header's name, whose case net/http changes.
func (s *echoSearch) inName(name string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(s.token))
}

// encodings returns the token as it is, and in base64 at each of the three places that it
// can have within a longer text.
func encodings(token string) []string {
	all := append(make([]string, 0, 7), token)
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", before) + token))
			// The digits at both ends also depend on the neighbours.
			start := (before*8 + 5) / 6
			end := (before + len(token)) * 8 / 6
			if start < end {
				all = append(all, text[start:end])
			}
		}
	}
	return all
}

// unescape undoes the escapes of URLs and JSON strings that stand for one byte; other
// bytes stay.
func unescape(text string) string {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		c, n := unescapeFirst(text)
		out = append(out, c)
		text = text[n:]
	}
	return string(out)
}

// unescapeFirst returns the first byte that text, which is not empty, stands for,
// and how many bytes it is written in.
func unescapeFirst(text string) (c byte, n int) {
	switch {
	case text[0] == '%' && len(text) >= 3:
		if v, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
			return byte(v), 3
		}
	case strings.HasPrefix(text, `\u00`) && len(text) >= 6:
		if v, err := strconv.ParseUint(text[4:6], 16, 8); err == nil {
			return byte(v), 6
		}
	case text[0] == '\\' && len(text) >= 2 && strings.IndexByte(`"\/`, text[1]) >= 0:
		return text[1], 2
	}
	return text[0], 1
}

// longestEscape is how many bytes the longest escape is written in.
const longestEscape = len(`\u0000`)

// cutEscape reports whether text, which is not empty, may be the start of an escape whose rest is still to come.
func cutEscape(text string) bool {
	escape := `\u0000`
	if text[0] == '%' {
		escape = "%00"
	}
	if len(text) >= len(escape) {
		return false
	}
	_, n := unescapeFirst(text + escape[len(text):])
	return n == len(escape)
}
