package standin

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// escapeJSON replaces everything from DEL upwards by \u escapes, in pairs
// beyond the basic plane.
func escapeJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x7f {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
