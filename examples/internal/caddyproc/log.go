package caddyproc

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
)

// tailLines is enough to see why Caddy did not start, or what went wrong last.
const tailLines = 8

// LogTail returns the last lines of a file that [Start] logged to, as a person reads them. It
// returns none if there is no such file.
func LogTail(file string) []string {
	text, err := os.ReadFile(file)
	text = bytes.TrimSpace(text)
	if err != nil || len(text) == 0 {
		return nil
	}
	lines := bytes.Split(text, []byte("\n"))
	var tail []string
	for _, line := range lines[max(0, len(lines)-tailLines):] {
		tail = append(tail, readable(line))
	}
	return tail
}

// readable puts what matters in a line of Caddy's log first. What is not JSON, as the last
// words of a process that could not start, stays as it is.
func readable(line []byte) string {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return string(line)
	}
	var text strings.Builder
	for _, name := range []string{"level", "logger", "msg", "ts"} {
		if value, ok := fields[name].(string); ok {
			text.WriteString(value + strings.Repeat(" ", max(1, 6-len(value))))
		}
		delete(fields, name)
	}
	rest, err := json.Marshal(fields)
	if err != nil || len(fields) == 0 {
		return strings.TrimSpace(text.String())
	}
	return text.String() + " " + string(rest)
}
