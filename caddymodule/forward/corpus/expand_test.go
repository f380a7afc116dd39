package corpus

import (
	"regexp"
	"strconv"
	"strings"
)

// canary is what must never arrive at the API.
const canary = "c4n4ry-of-the-client"

var (
	placeholders = regexp.MustCompile(`\{([a-z]+|[^{}*]+\*[0-9]+)\}`)
	escapes      = regexp.MustCompile(`\\(x[0-9a-fA-F]{2}|.)`)
)

// expand returns the bytes that a text of a case stands for.
func expand(text string, values map[string]string) string {
	text = placeholders.ReplaceAllStringFunc(text, func(found string) string {
		inner := found[1 : len(found)-1]
		if what, times, repeated := strings.Cut(inner, "*"); repeated {
			n, _ := strconv.Atoi(times)
			return strings.Repeat(what, n)
		}
		if value, known := values[inner]; known {
			return value
		}
		return found
	})
	return escapes.ReplaceAllStringFunc(text, func(found string) string {
		switch found[1] {
		case 'r':
			return "\r"
		case 'n':
			return "\n"
		case 't':
			return "\t"
		case '0':
			return "\x00"
		case 'x':
			octet, _ := strconv.ParseUint(found[2:], 16, 8)
			return string([]byte{byte(octet)})
		}
		return found[1:]
	})
}
