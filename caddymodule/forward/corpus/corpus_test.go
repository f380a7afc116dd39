package corpus

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// fewest is how many cases there have to be.
const fewest = 400

func TestCorpus(t *testing.T) {
	cases := readCases(t)
	s := newSite(t, "DEBUG")
	counts, titles := map[protocol]int{}, map[string]bool{}
	for _, c := range cases {
		if titles[c.title] {
			t.Errorf("%s: there is another case of that name", c.name)
		}
		titles[c.title] = true
		for _, p := range c.on {
			for _, route := range c.routes {
				t.Run(c.name+" on "+string(p)+" "+route, func(t *testing.T) { s.run(t, c, p, route) })
			}
			counts[p]++
		}
	}
	t.Logf("%d cases: %d on HTTP/1.1, %d on HTTP/1.1 with TLS, %d on h2c, %d on HTTP/2 with TLS",
		len(cases), counts[http1], counts[tls1], counts[h2c], counts[tls2])
	if len(titles) < fewest {
		t.Errorf("there have to be %d cases", fewest)
	}
}

func (s *site) run(t *testing.T, c *testCase, p protocol, route string) {
	s.tb, s.api.tb, s.content.tb = t, t, t
	x := s.exchange(p, route)
	answers := make([]answer, len(c.answers))
	for i, a := range c.answers {
		answers[i] = answer{text: expand(a.text, x.values), close: a.close}
	}
	s.api.begin(answers)
	s.content.begin(answers)
	x.play(c, route)
	if route != "reuse" {
		s.api.settle()
		s.content.settle()
	}
	x.checkArrivals(t, c)
	x.checkOutcomes(t, c.outcomes[place{p.version(), route}])
	if t.Failed() {
		t.Logf("the client gets %q", tail(x.raw.Bytes()))
	}
	if bytes.Contains(x.raw.Bytes(), []byte(tokenStart)) {
		t.Errorf("the client gets the token: %q", &x.raw)
	}
	if log := s.logged(); bytes.Contains(log, []byte(tokenStart)) {
		t.Errorf("the token is in the log: %s", log)
	}
}

func tail(b []byte) []byte { return b[max(0, len(b)-4<<10):] }

// play sends what the client sends, and takes what it gets.
func (x *exchange) play(c *testCase, route string) {
	prefixed := len(c.routes) > 1
	switch {
	case len(c.frames) > 0:
		x.http2(c.frames)
	case c.request != nil && x.p.version() == "2":
		x.http2(c.request.framesOf(prefixed))
	case c.request != nil:
		x.http1(c.request.bytesOf(x, prefixed), c.methods(c.request.method, route), c.shut)
	default:
		raw := expand(strings.Join(c.raw, ""), x.values)
		method, _, _ := strings.Cut(raw, " ")
		x.http1([]byte(raw), c.methods(method, route), c.shut)
	}
}

// methods returns one for each answer that is to come by HTTP/1.1, since those to HEAD have no bodies.
func (c *testCase) methods(method, route string) []string {
	var all []string
	for _, o := range c.outcomes[place{"1", route}] {
		if o.what != "closed" {
			all = append(all, method)
		}
	}
	return all
}

func (x *exchange) checkArrivals(t *testing.T, c *testCase) {
	t.Helper()
	var all []*message
	connections := 0
	for _, a := range []*api{x.s.api, x.s.content} {
		for _, raw := range a.received() {
			messages, err := readMessages(raw)
			if err != nil {
				t.Errorf("the API cannot read what arrives: %v: %q", err, raw)
			}
			messages = slices.DeleteFunc(messages, func(m *message) bool { return strings.HasSuffix(m.target(), sentinel) })
			for _, m := range messages {
				x.checkRules(t, m, a)
			}
			if len(messages) > 0 {
				connections++
			}
			all = append(all, messages...)
			if bytes.Contains(raw, []byte(canary)) {
				t.Errorf("what is the client's arrives: %q", raw)
			}
		}
	}
	if len(all) == 0 && len(c.arrivals) == 1 && c.arrivals[0].maybe {
		return
	}
	if len(all) != len(c.arrivals) {
		t.Errorf("%d requests arrive, not %d: %s", len(all), len(c.arrivals), linesOf(all))
		return
	}
	for i, m := range all {
		c.arrivals[i].check(t, m, x.values)
	}
	if c.connections > 0 && connections != c.connections {
		t.Errorf("they arrive by %d connections, not %d", connections, c.connections)
	}
}

func linesOf(messages []*message) string {
	var lines []string
	for _, m := range messages {
		lines = append(lines, m.line)
	}
	return strings.Join(lines, ", ")
}

// checkRules checks what holds for each request that arrives.
func (x *exchange) checkRules(t testing.TB, m *message, a *api) {
	t.Helper()
	if got := m.values("Authorization"); len(got) != 1 || got[0] != "Bearer "+x.s.token {
		t.Errorf("%s: %d Authorization headers, and not the token's alone", m.line, len(got))
	}
	if got := m.values("Host"); len(got) != 1 || got[0] != a.address() {
		t.Errorf("%s: arrives for %q", m.line, got)
	}
	path, _, _ := strings.Cut(m.target(), "?")
	if a == x.s.api && path != "/v1" && !strings.HasPrefix(path, "/v1/") {
		t.Errorf("%s: is not below the path of its host", m.line)
	}
}

func (a arrival) check(t *testing.T, m *message, values map[string]string) {
	t.Helper()
	if line := expand(a.line, values); m.line != line {
		t.Errorf("what arrives is %s, not %s", m.line, line)
	}
	if m.cut != a.cut {
		t.Errorf("%s: it ends too early is %t, not %t", m.line, m.cut, a.cut)
	}
	if body := expand(a.body, values); a.hasBody && m.body != body {
		t.Errorf("%s: the body is %q, not %q", m.line, m.body, body)
	}
	checkHeader(t, m.line, a.header, values, m.values)
}

func (x *exchange) checkOutcomes(t *testing.T, wanted []outcome) {
	t.Helper()
	for i, got := range x.got {
		if i >= len(wanted) {
			// What ends a connection is worth a word only where a case has one for it.
			if got.what != "closed" || i != len(x.got)-1 {
				t.Errorf("the client also gets %s: %q", got.what, got.body)
			}
			continue
		}
		want := wanted[i]
		if !slices.Contains(strings.Split(want.what, "|"), got.what) {
			t.Errorf("the client gets %s, not %s: %q", got.what, want.what, got.body)
			continue
		}
		if body := expand(want.body, x.values); want.hasBody && got.body != body {
			t.Errorf("the client gets the body %q, not %q", got.body, body)
		}
		checkHeader(t, got.what, want.header, x.values, func(name string) []string {
			for key, values := range got.header {
				if strings.EqualFold(key, name) {
					return values
				}
			}
			return nil
		})
	}
	if len(x.got) < len(wanted) {
		t.Errorf("the client does not get %s", wanted[len(x.got)].what)
	}
}

// checkHeader checks "Name: value", which has to be there once, and "!Name", which must not.
func checkHeader(t *testing.T, of string, wanted []string, values map[string]string, header func(name string) []string) {
	t.Helper()
	for _, want := range wanted {
		name, value, _ := strings.Cut(want, ":")
		if unwanted, not := strings.CutPrefix(name, "!"); not {
			if got := header(unwanted); got != nil {
				t.Errorf("%s: has %s: %q", of, unwanted, got)
			}
			continue
		}
		if value = expand(strings.TrimSpace(value), values); !slices.Equal(header(name), []string{value}) {
			t.Errorf("%s: %s is %q, not %q", of, name, header(name), value)
		}
	}
}
