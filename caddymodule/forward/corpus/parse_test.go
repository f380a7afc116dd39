package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// readCases returns the cases of all files.
func readCases(tb testing.TB) []*testCase {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		tb.Fatalf("%d files, %v", len(files), err)
	}
	var cases []*testCase
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		p := parser{defaults: testCase{routes: []string{"bare"}}}
		for i, line := range strings.Split(string(text), "\n") {
			p.at = fmt.Sprintf("%s:%d", filepath.Base(file), i+1)
			if err := p.line(line); err != nil {
				tb.Fatalf("%s: %v: %s", p.at, err, line)
			}
		}
		if err := p.finish(); err != nil {
			tb.Fatalf("%s: %v", p.at, err)
		}
		cases = append(cases, p.cases...)
	}
	return cases
}

// parser reads a file of cases.
type parser struct {
	at       string
	defaults testCase
	c        *testCase
	stream   uint32
	cases    []*testCase
}

func (p *parser) line(line string) error {
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	word, rest, _ := strings.Cut(line, " ")
	if word == "==" {
		if err := p.finish(); err != nil {
			return err
		}
		c := p.defaults
		c.name, c.title, c.outcomes = p.at+" "+rest, rest, map[place][]outcome{}
		p.c, p.stream = &c, 1
		return nil
	}
	if p.c == nil {
		return p.setting(&p.defaults, word, rest)
	}
	for _, read := range []func(word, rest string) (bool, error){p.sent, p.framed, p.answered, p.arrived, p.received} {
		if known, err := read(word, rest); known || err != nil {
			return err
		}
	}
	return p.setting(p.c, word, rest)
}

func (p *parser) setting(c *testCase, word, rest string) error {
	switch word {
	case "on":
		c.on = nil
		for name := range strings.FieldsSeq(rest) {
			if versions[name] == nil {
				return fmt.Errorf("no protocol %s", name)
			}
			c.on = append(c.on, versions[name]...)
		}
		return nil
	case "route":
		c.routes = map[string][]string{"bare": {"bare"}, "stripped": {"stripped"}, "reuse": {"reuse"}, "both": {"bare", "stripped"}}[rest]
		if c.routes != nil {
			return nil
		}
	}
	return fmt.Errorf("nothing begins with %q here", word)
}

func (p *parser) sent(word, rest string) (bool, error) {
	switch c := p.c; word {
	case "request":
		c.request = new(request)
		c.request.method, c.request.target, _ = strings.Cut(rest, " ")
	case "host":
		c.request.host, c.request.hasHost = rest, true
	case "header":
		c.request.header = append(c.request.header, rest)
	case "body":
		c.request.body += rest
	case ">":
		c.raw = append(c.raw, rest+`\r\n`)
	case ">|":
		c.raw = append(c.raw, rest)
	case ">shut":
		c.shut = true
	default:
		return false, nil
	}
	return true, nil
}

func (p *parser) framed(word, rest string) (bool, error) {
	c := p.c
	last := len(c.frames) - 1
	if (word == "field" || word == "fields") && last < 0 {
		return true, fmt.Errorf("no frame for it")
	}
	switch word {
	case "stream":
		n, err := strconv.ParseUint(rest, 10, 31)
		p.stream = uint32(n)
		return true, err
	case "frame":
		kind, args, _ := strings.Cut(rest, " ")
		f := frame{kind: kind, stream: p.stream, args: args}
		if kind != "raw" {
			var end string
			end, f.args, _ = strings.Cut(args, " ")
			if f.end = end == "end"; !f.end && end != "open" {
				return true, fmt.Errorf("a frame ends its stream or leaves it open")
			}
		}
		c.frames = append(c.frames, f)
	case "field":
		name, value, _ := strings.Cut(rest, " ")
		c.frames[last].fields = append(c.frames[last].fields, [2]string{name, value})
	case "fields":
		method, path, _ := strings.Cut(rest, " ")
		c.frames[last].fields = append(c.frames[last].fields,
			[2]string{":method", method}, [2]string{":scheme", "{scheme}"}, [2]string{":authority", "{site}"}, [2]string{":path", path})
	default:
		return false, nil
	}
	return true, nil
}

func (p *parser) answered(word, rest string) (bool, error) {
	if word != "<<" && word != "<<|" {
		return false, nil
	}
	c := p.c
	if len(c.answers) == 0 {
		c.answers = []answer{{}}
	}
	last := &c.answers[len(c.answers)-1]
	switch {
	case word == "<<|":
		last.text += rest
	case rest == "next":
		c.answers = append(c.answers, answer{})
	case rest == "close":
		last.close = true
	default:
		last.text += rest + `\r\n`
	}
	return true, nil
}

func (p *parser) arrived(word, rest string) (bool, error) {
	if word != ">>" && word != ">>|" {
		return false, nil
	}
	c := p.c
	count, counted := strings.CutPrefix(rest, "connections ")
	switch last := len(c.arrivals) - 1; {
	case counted:
		var err error
		c.connections, err = strconv.Atoi(count)
		return true, err
	case word == ">>" && rest == "nothing":
		c.nothing = true
	case word == ">>" && strings.HasSuffix(rest, " HTTP/1.1"):
		c.arrivals = append(c.arrivals, arrival{line: rest})
	case last < 0:
		return true, fmt.Errorf("no request arrived yet")
	case word == ">>|":
		c.arrivals[last].body, c.arrivals[last].hasBody = rest, true
	case rest == "cut":
		c.arrivals[last].cut = true
	case rest == "maybe":
		c.arrivals[last].maybe = true
	default:
		c.arrivals[last].header = append(c.arrivals[last].header, rest)
	}
	return true, nil
}

var outcomeWords = regexp.MustCompile(`^([0-9]{3}(\|[0-9]{3}| cut)?|closed|(reset|goaway) [A-Z0-9_]+)$`)

func (p *parser) received(word, rest string) (bool, error) {
	only, found := strings.CutPrefix(strings.TrimSuffix(word, "|"), "<")
	if !found {
		return false, nil
	}
	places := 0
	for _, where := range everywhere {
		if only != "" && only != where.version && only != where.route {
			continue
		}
		places++
		all := p.c.outcomes[where]
		switch last := len(all) - 1; {
		case !strings.HasSuffix(word, "|") && outcomeWords.MatchString(rest):
			all = append(all, outcome{what: rest})
		case last < 0:
			return true, fmt.Errorf("no answer yet")
		case strings.HasSuffix(word, "|"):
			all[last].body, all[last].hasBody = rest, true
		default:
			all[last].header = append(all[last].header, rest)
		}
		p.c.outcomes[where] = all
	}
	return places > 0, nil
}

// finish checks that the case that was read is whole.
func (p *parser) finish() error {
	c := p.c
	if c == nil {
		return nil
	}
	p.c = nil
	ways := 0
	for _, there := range []bool{c.request != nil, len(c.raw) > 0, len(c.frames) > 0} {
		if there {
			ways++
		}
	}
	can := []protocol{http1, tls1, h2c, tls2}
	switch {
	case ways != 1:
		return fmt.Errorf("%s: a case has a request, bytes or frames", c.name)
	case c.nothing == (len(c.arrivals) > 0):
		return fmt.Errorf("%s: either requests arrive, or nothing", c.name)
	case len(c.raw) > 0:
		can = versions["1"]
	case len(c.frames) > 0:
		can = versions["2"]
	}
	if c.on == nil {
		c.on = can
	}
	c.on = slices.DeleteFunc(slices.Clone(c.on), func(p protocol) bool { return !slices.Contains(can, p) })
	for _, on := range c.on {
		for _, route := range c.routes {
			if len(c.outcomes[place{on.version(), route}]) == 0 {
				return fmt.Errorf("%s: it does not say what comes of it on %s", c.name, on)
			}
		}
	}
	if len(c.on) == 0 {
		return fmt.Errorf("%s: it runs nowhere", c.name)
	}
	p.cases = append(p.cases, c)
	return nil
}
