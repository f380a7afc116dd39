package forward

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Tokens of few letters, among them those that escapes are made of, overlap with themselves, with each other
// and with escapes.
func TestScrubInPiecesIsScrubOfTheWhole(t *testing.T) {
	letters := rapid.SampledFrom([]byte(`aab4%\/u0*`))
	text := func(from, to int) *rapid.Generator[string] {
		return rapid.Map(rapid.SliceOfN(letters, from, to), func(b []byte) string { return string(b) })
	}
	rapid.Check(t, func(t *rapid.T) {
		tokens := []string{text(8, 10).Draw(t, "token"), text(7, 12).Draw(t, "older token")}
		if rapid.Bool().Draw(t, "one begins as the other ends") {
			tokens[1] = tokens[0][4:] + tokens[1][:4]
		}
		search := newFormSearch(tokens...)
		var b strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			part := text(0, 4).Draw(t, "other text")
			if len(search.forms) > 0 && rapid.Bool().Draw(t, "a form") {
				part = rapid.SampledFrom(search.forms).Draw(t, "form").text
				part = part[rapid.IntRange(0, 3).Draw(t, "start"):]
				part = part[:len(part)-rapid.IntRange(0, min(2, len(part))).Draw(t, "end")]
			}
			for _, c := range []byte(part) {
				switch rapid.IntRange(0, 5).Draw(t, "way") {
				case 0:
					fmt.Fprintf(&b, "%%%02x", c)
				case 1:
					fmt.Fprintf(&b, `\u%04X`, c)
				default:
					b.WriteByte(c)
				}
			}
		}
		sizes := rapid.SliceOf(rapid.Byte()).Draw(t, "sizes")
		want := scrubWhole(b.String(), search)
		if got, _, err := scrub(&pieces{b.String(), sizes}, -1, search); err != nil || got != want {
			t.Fatalf("%v\ntext %q\ngot  %q\nwant %q", err, b.String(), got, want)
		}
		for _, token := range tokens {
			if echoesInText(want, token) {
				t.Fatalf("%q is still in %q", token, want)
			}
		}
	})
}
