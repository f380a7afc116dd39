package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// The layout of the output.
const (
	width  = 96
	indent = "    "
)

// The colours of a terminal.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

// printer writes for a person. Without a terminal it writes plain text, each line once.
type printer struct {
	w     io.Writer
	color bool
	live  bool // a line may be written over
	open  bool // there is such a line
}

// newPrinter decides what w can show. See https://no-color.org for NO_COLOR.
func newPrinter(w io.Writer) *printer {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" || runtime.GOOS == "windows" {
		return &printer{w: w}
	}
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &printer{w: w, live: terminal, color: terminal && os.Getenv("NO_COLOR") == ""}
}

// style wraps s in the colours, if there are any.
func (p *printer) style(s string, codes ...string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + strings.Join(codes, ";") + "m" + s + "\x1b[0m"
}

func (p *printer) println(s string) {
	p.clear()
	_, _ = fmt.Fprintln(p.w, s)
}

// clear takes away the line that may be written over.
func (p *printer) clear() {
	if p.open {
		_, _ = io.WriteString(p.w, "\r\x1b[2K")
		p.open = false
	}
}

// progress writes over the last progress, and nothing without a terminal.
func (p *printer) progress(format string, args ...any) {
	if !p.live {
		return
	}
	p.clear()
	_, _ = io.WriteString(p.w, indent+p.style(fmt.Sprintf(format, args...), dim))
	p.open = true
}

func (p *printer) blank() { p.println("") }

func (p *printer) headline(s string) { p.println(p.style(s, bold)) }

// step begins a step.
func (p *printer) step(n, of int, name string) {
	p.blank()
	number := fmt.Sprintf("%d/%d", n, of)
	p.println(p.style(number, dim) + " " + p.style(name, bold))
}

// text writes a paragraph.
func (p *printer) text(s string) {
	for _, line := range wrap(strings.Fields(s), width-len(indent), "") {
		p.println(indent + line)
	}
}

// command writes a shell line, broken where it is too long.
func (p *printer) command(words []string) {
	p.blank()
	for i, line := range wrap(words, width-len(indent)-2, ` \`) {
		prompt := "$ "
		if i > 0 {
			prompt = "  "
		}
		p.println(indent + p.style(prompt, dim) + p.style(line, cyan))
	}
}

// row writes a name and a value of a list.
func (p *printer) row(name, value string) {
	p.println(indent + p.style(pad(name, 18), dim) + value)
}

// line writes something that was observed.
func (p *printer) line(s string) { p.println(indent + s) }

// answer writes what came of a call: the members of its body, or all of it if none are given
// or if it is none that was hoped for.
func (p *printer) answer(a answer, members ...string) {
	status := p.style(fmt.Sprintf("%d  ", a.status), dim)
	if len(members) == 0 || a.status != http.StatusOK {
		p.line(status + cut(shown(a.body), 2*width))
		return
	}
	for _, path := range members {
		value, ok := pick(a.body, path)
		if !ok {
			continue
		}
		p.line(status + p.style(pad(path, 16), dim) + cut(readable(value), width-len(indent)-21))
		status = "     "
	}
}

// readable shortens tokens, and times to the time of the day.
func readable(value string) string {
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return at.Format("15:04:05.0 MST")
	}
	return hideTokens(value)
}

// verdict ends a step.
func (p *printer) verdict(held bool, s string, took time.Duration) {
	p.blank()
	mark := p.style("✓", green, bold)
	if !held {
		mark = p.style("✗", red, bold)
	}
	p.println(indent + mark + " " + s + "  " + p.style(rounded(took), dim))
}

// rounded writes a duration as people say it.
func rounded(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// wrap packs words into lines of at most so many columns, which end in suffix
// but for the last. A word that is longer has a line of its own.
func wrap(words []string, columns int, suffix string) []string {
	var lines []string
	line := ""
	for _, word := range words {
		length := utf8.RuneCountInString(line) + 1 + utf8.RuneCountInString(word) + utf8.RuneCountInString(suffix)
		if line != "" && length > columns {
			lines = append(lines, line+suffix)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// pad fills s up with spaces.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(1, columns-utf8.RuneCountInString(s)))
}

// cut shortens s to at most so many columns and shows that it did.
func cut(s string, columns int) string {
	if utf8.RuneCountInString(s) <= columns {
		return s
	}
	return string([]rune(s)[:columns-1]) + "…"
}
