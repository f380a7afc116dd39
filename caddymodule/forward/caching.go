package forward

import (
	"net/http"
	"strings"
)

// keepPrivate keeps the answer with headers h out of shared caches. Some of them keep
// any answer to a request that had no Authorization (RFC 9111 section 3.5), and to them ours
// had none: whoever asks next would get what belongs to the connection.
func keepPrivate(h http.Header) {
	lines := h["Cache-Control"]
	if len(lines) == 0 { // as in most answers
		h["Cache-Control"] = []string{"private"}
		return
	}
	kept := append(make([]string, 0, 4), "private")
	for _, line := range lines {
		for directive := range directives(line) {
			switch name, _, qualified := strings.Cut(directive, "="); strings.ToLower(strings.TrimSpace(name)) {
			case "no-store":
				return
			case "private":
				if !qualified { // else only some fields are
					return
				}
			case "", "public", "s-maxage":
			default:
				kept = append(kept, directive)
			}
		}
	}
	h["Cache-Control"] = []string{strings.Join(kept, ", ")}
}

// directives yields the elements of a list in a header, which may hold commas
// within quotes (RFC 9110 section 5.6.4).
func directives(line string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(line); i++ {
			switch c := line[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case c == ',' && !quoted:
				if !yield(strings.TrimSpace(line[start:i])) {
					return
				}
				start = i + 1
			}
		}
		yield(strings.TrimSpace(line[start:]))
	}
}
