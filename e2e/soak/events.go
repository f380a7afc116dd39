package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// event is a line of go test -json; go doc test2json has all of it.
type event struct {
	Action string
	Test   string
	Output string
}

// reading is what is known of the tests of a run from their events.
type reading struct {
	passed  bool             // the whole package
	ended   map[string]event // by top-level test
	skipped map[string]bool  // it, or a part of it
	output  map[string]*strings.Builder
	rest    strings.Builder // what belongs to no test, such as an error of the compiler
}

// read reads all events. What is no event is taken for output.
func read(from io.Reader) (*reading, error) {
	r := &reading{ended: make(map[string]event), skipped: make(map[string]bool), output: make(map[string]*strings.Builder)}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(&r.rest, lines.Text())
			continue
		}
		r.take(e)
	}
	return r, lines.Err()
}

func (r *reading) take(e event) {
	top, _, within := strings.Cut(e.Test, "/")
	switch e.Action {
	case "output", "build-output":
		into := &r.rest
		if e.Test != "" {
			into = r.of(top)
		}
		into.WriteString(e.Output)
	case "pass", "fail", "skip":
		r.skipped[top] = r.skipped[top] || e.Action == "skip"
		switch {
		case e.Test == "":
			r.passed = e.Action == "pass"
		case !within:
			r.ended[top] = e
		}
	}
}

// of returns the output of a top-level test.
func (r *reading) of(test string) *strings.Builder {
	if r.output[test] == nil {
		r.output[test] = new(strings.Builder)
	}
	return r.output[test]
}

// said matches what a test says of itself, with where it is said.
var said = regexp.MustCompile(`^ {4,}\w+_test\.go:\d+: (.*)$`)

// figures matches what a benchmark says.
var figures = regexp.MustCompile(`^Benchmark\S+\s+(\d+\t.+)$`)

// most is how many lines of one test are kept. Those that check a list say a line of each.
const most = 12

// printed returns what a test or benchmark told of its counts.
func (r *reading) printed(test string) (all []string) {
	for line := range strings.Lines(r.of(test).String()) {
		line = strings.TrimRight(line, "\n")
		for _, form := range []*regexp.Regexp{said, figures} {
			// What rapid says of each of its rounds is no count.
			if m := form.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[1], "[rapid]") {
				all = append(all, strings.Join(strings.Fields(m[1]), " "))
			}
		}
	}
	return all[:min(most, len(all))]
}
