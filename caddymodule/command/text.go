package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// printable replaces what could make a terminal do something: some texts, such as the
// name of an account, are chosen by strangers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// fromNow says in few characters how far away t is.
func fromNow(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	if d := t.Sub(now); d < 0 {
		return short(-d) + " ago"
	} else {
		return short(d)
	}
}

// short keeps the two largest units of d, rounded: a time of 30 days is not to become 29 while it is printed.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	seconds, minutes, hours := d.Round(time.Second), d.Round(time.Minute), d.Round(time.Hour)
	switch {
	case seconds < time.Minute:
		return fmt.Sprintf("%ds", seconds/time.Second)
	case seconds < time.Hour:
		return fmt.Sprintf("%dm%02ds", seconds/time.Minute, seconds%time.Minute/time.Second)
	case minutes < day:
		return fmt.Sprintf("%dh%02dm", minutes/time.Hour, minutes%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%02dh", hours/day, hours%day/time.Hour)
	}
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
