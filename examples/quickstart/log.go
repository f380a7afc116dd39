package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
)

// logTail returns the last lines of Caddy's log, as a person reads them.
func (d *demo) logTail() []string {
	const most = 8
	if d.log == nil {
		return nil
	}
	text, err := os.ReadFile(d.log.Name())
	text = bytes.TrimSpace(text)
	if err != nil || len(text) == 0 {
		return nil
	}
	lines := bytes.Split(text, []byte("\n"))
	var tail []string
	for _, line := range lines[max(0, len(lines)-most):] {
		tail = append(tail, readableLog(line))
	}
	return tail
}

// readableLog puts what matters in a line of Caddy's log first. What is not JSON, as the last
// words of a process that could not start, stays as it is.
func readableLog(line []byte) string {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return string(line)
	}
	var text strings.Builder
	for _, name := range []string{"level", "logger", "msg", "ts"} {
		if value, ok := fields[name].(string); ok {
			text.WriteString(pad(value, 6))
		}
		delete(fields, name)
	}
	rest, err := json.Marshal(fields)
	if err != nil || len(fields) == 0 {
		return strings.TrimSpace(text.String())
	}
	return text.String() + " " + string(rest)
}
