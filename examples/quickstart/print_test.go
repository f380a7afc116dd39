package main

import (
	"bytes"
	"testing"
	"time"
)

func TestLongCommandsAreBrokenSoThatAShellTakesThem(t *testing.T) {
	var out bytes.Buffer
	p := &printer{w: &out}
	p.command([]string{"curl", "-s", "http://localhost:39815/dropbox/2/files/upload", "-H 'Content-Type: application/octet-stream'", "--data-binary x"})
	const want = `
    $ curl -s http://localhost:39815/dropbox/2/files/upload \
      -H 'Content-Type: application/octet-stream' --data-binary x
`
	if out.String() != want {
		t.Errorf("got %s", &out)
	}
}

func TestProgressIsWrittenOverOnATerminalOnly(t *testing.T) {
	for _, tt := range []struct {
		name string
		live bool
		want string
	}{
		{"terminal", true, "    1\r\x1b[2K    2\r\x1b[2Kend\n"},
		{"pipe", false, "end\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			p := &printer{w: &out, live: tt.live}
			p.progress("%d", 1)
			p.progress("%d", 2)
			p.println("end")
			if out.String() != tt.want {
				t.Errorf("got %q, want %q", out.String(), tt.want)
			}
		})
	}
}

func TestDurationsAreWrittenAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Microsecond:   "0.4 ms",
		51 * time.Millisecond:    "51 ms",
		16234 * time.Millisecond: "16.2 s",
	} {
		if got := rounded(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestTokensAreShortened(t *testing.T) {
	got := hideTokens(`{"a":"standin-at-ABCDEFGHIJ","r":"standin-rt-234567ABCD","o":"other"}`)
	if want := `{"a":"standin-at-ABCDEF…","r":"standin-rt-234567…","o":"other"}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestPick(t *testing.T) {
	const body = `{"entries":[{"name":"a","size":26}],"more":false}`
	for path, want := range map[string]string{
		"entries.0.name": "a", "entries.0.size": "26", "more": "false",
		"entries.1.name": "", "entries.x": "", "nothing": "", "more.of": "",
	} {
		if got, ok := pick([]byte(body), path); got != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", path, got, ok)
		}
	}
	if _, ok := pick([]byte("no JSON"), "a"); ok {
		t.Error("found something in what is no JSON")
	}
}
