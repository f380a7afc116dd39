package forward

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

// scrubWhole does in the simplest way what scrubBody does: it looks for each form at each place.
func scrubWhole(text string, search *formSearch) string {
	out := []byte(text)
	var units []int // for each unit of the text, where it begins; and the text's end
	owner := make([]int, len(text))
	for place := 0; place < len(text); {
		_, n := unescapeFirst(text[place:])
		for i := range n {
			owner[place+i] = len(units)
		}
		units = append(units, place)
		place += n
	}
	units = append(units, len(text))
	blank := func(first, last int) {
		for i := units[first]; i < units[last+1]; i++ {
			out[i] = search.blank
		}
	}
	unescaped := unescape(text)
	for _, f := range search.forms {
		for place := range text {
			if strings.HasPrefix(text[place:], f.text) {
				blank(owner[place], owner[place+len(f.text)-1])
			}
		}
		for unit := range len(unescaped) {
			if strings.HasPrefix(unescaped[unit:], f.text) {
				blank(unit, unit+len(f.text)-1)
			}
		}
	}
	return string(out)
}

// pieces is a body that comes in pieces, of one byte more than each of the sizes says.
type pieces struct {
	text  string
	sizes []byte
}

func (p *pieces) Read(buf []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	size := len(p.text)
	if len(p.sizes) > 0 {
		size, p.sizes = min(size, int(p.sizes[0])+1), p.sizes[1:]
	}
	n := copy(buf, p.text[:size])
	p.text = p.text[n:]
	return n, nil
}

func scrub(r io.Reader, length int64, search *formSearch) (string, bool, error) {
	found := false
	body := newScrubBody(io.NopCloser(r), length, search, func() { found = true })
	out, err := io.ReadAll(body)
	return string(out), found, err
}

const scrubbedToken = "sl.u/AbC+dEf==_0123-xyz~" // has what needs escaping

func TestScrubBlanksEachForm(t *testing.T) {
	const token = scrubbedToken
	for name, form := range map[string]string{
		"as it is":                          token,
		"in a URL":                          url.QueryEscape(token),
		"in JSON":                           strings.NewReplacer("/", `\/`, "+", `\u002b`).Replace(token),
		"in base64":                         base64.RawStdEncoding.EncodeToString([]byte(token)),
		"in base64url":                      base64.RawURLEncoding.EncodeToString([]byte(token)),
		"in base64, in a URL":               url.QueryEscape(base64.RawStdEncoding.EncodeToString([]byte(token))),
		"the token that was refused before": "an-older-token",
	} {
		t.Run(name, func(t *testing.T) {
			search := newFormSearch(token, "an-older-token")
			text := `{"a":"` + form + `","b":"%zz\q\u00e4` + form + form + `"}`
			got, found, err := scrub(iotest.OneByteReader(strings.NewReader(text)), -1, search)
			blanks := strings.Repeat("*", len(form))
			got = strings.ReplaceAll(got, blanks, "@")
			if err != nil || !found || got != `{"a":"@","b":"%zz\q\u00e4@@"}` {
				t.Errorf("%s, %t, %v", got, found, err)
			}
		})
	}
}

func TestScrubKeepsWhatIsNoToken(t *testing.T) {
	text := strings.Repeat(scrubbedToken[:len(scrubbedToken)-1]+`! \u002f%2`, 1000) + scrubbedToken[:5]
	got, found, err := scrub(strings.NewReader(text), int64(len(text)), newFormSearch(scrubbedToken, ""))
	if err != nil || found || got != text {
		t.Errorf("found %t, %v, and %d bytes of %d", found, err, len(got), len(text))
	}
}

func TestScrubHoldsBackOnlyWhatMayBeAToken(t *testing.T) {
	const token = scrubbedToken
	for name, tc := range map[string]struct{ sent, want string }{
		"an event":                       {"data: 1\n\n", "data: 1\n\n"},
		"an event with a token":          {"data: " + token + "\n\n", "data: " + strings.Repeat("*", len(token)) + "\n\n"},
		"a token":                        {"data: " + token, "data: " + strings.Repeat("*", len(token))},
		"the start of a token":           {"data: " + token[:9], "data: "},
		"the start of an escaped token":  {`data: \u0073` + token[1:3], "data: "},
		"the start of an escape":         {`data: \u007`, "data: "},
		"what looked like a token":       {"data: " + token[:9] + "!", "data: " + token[:9] + "!"},
		"what looked like an escape":     {`data: 100%"`, `data: 100%"`},
		"an escape, as short as it gets": {`data: \u"`, `data: \u"`},
		"a line's end in JSON":           {`data: {"a":"b\n"}`, `data: {"a":"b\n"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			defer r.Close() //nolint:errcheck // the end of the test
			go func() { _, _ = io.WriteString(w, tc.sent) }()
			body := newScrubBody(r, -1, newFormSearch(token), nil)
			got := make([]byte, 1000)
			n, err := body.Read(got)
			if err != nil || string(got[:n]) != tc.want {
				t.Errorf("%q, %v", got[:n], err)
			}
		})
	}
}

func TestScrubPassesErrorsOn(t *testing.T) {
	cut := errors.New("cut")
	got, _, err := scrub(io.MultiReader(strings.NewReader("half "+scrubbedToken[:7]), iotest.ErrReader(cut)), -1, newFormSearch(scrubbedToken))
	if got != "half "+scrubbedToken[:7] || !errors.Is(err, cut) {
		t.Errorf("%q, %v", got, err)
	}
}

// Blanks must not make a token of what stands beside them.
func TestScrubBlanksWithWhatIsInNoToken(t *testing.T) {
	for _, token := range []string{"**secret", "*#secret", "*#!secret", "*#!~secret"} {
		search := newFormSearch(token)
		got, _, err := scrub(strings.NewReader(token+token[2:]+" "+token), -1, search)
		if err != nil || strings.ContainsRune(token, rune(search.blank)) || strings.Contains(got, token) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// FuzzScrub wants of each text, in whatever pieces it comes, what comes of it as a whole, and none of the
// tokens to be left in it.
func FuzzScrub(f *testing.F) {
	token := scrubbedToken
	f.Add("a "+token+token, token, "older-token", []byte{3, 0, 0, 9})
	f.Add(`\`+url.QueryEscape(token)+`%2`, token, token, []byte{0, 0, 0})
	f.Add("aaaaaaaaaaaaaaaa%61aaaaaaaa", "aaaaaaaa", "aaaaaaaaa", []byte{1, 2})
	f.Add("41abcde%41abcd%65%25", "41abcde%", "/secret/", []byte{})
	f.Add(`\/secret\u002fsecret\/`, "/secret/", "ret/secr", []byte{4})
	f.Add(base64.StdEncoding.EncodeToString([]byte("Bearer "+token)), token, "", []byte{20})
	f.Fuzz(func(t *testing.T, text, token, older string, sizes []byte) {
		if len(text) > 1000 || len(token)+len(older) > 200 || strings.Contains(token+older, "\x7f") {
			t.Skip()
		}
		search := newFormSearch(token, older)
		want := scrubWhole(text, search)
		got, found, err := scrub(&pieces{text, sizes}, -1, search)
		if err != nil || got != want || found != (want != text) {
			t.Fatalf("found %t, %v\ngot  %q\nwant %q", found, err, got, want)
		}
		for _, secret := range []string{token, older} {
			if echoesInText(got, secret) {
				t.Fatalf("%q is still in %q", secret, got)
			}
		}
	})
}

// The worst that an API can do to a search: texts that nearly are tokens, at each place, also under escapes.
func BenchmarkScrub(b *testing.B) {
	long := strings.Repeat("aB3", 400)
	for name, text := range map[string]string{
		"JSON":             strings.Repeat(`{"name":"a file of mine.txt","size":12345,"rev":"a1c10ce0dd78"},`, 4096),
		"nearly the token": strings.Repeat(long[:len(long)-1]+"!", 200),
		"escaped":          strings.Repeat(`\u0061B3`, 30000),
		"only the token":   strings.Repeat(long, 200),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				body := newScrubBody(io.NopCloser(bytes.NewReader([]byte(text))), -1, newFormSearch(long+"xyz", long+"abc"), nil)
				_, _ = io.Copy(io.Discard, body)
			}
		})
	}
}
