package tokenstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestWhatAnIDMayBe(t *testing.T) {
	for text, valid := range map[string]bool{
		"dropbox-demo/auth":                 true,
		"a/b":                               true,
		"0/user@example.com":                true,
		"p_1/Zoë":                           true,
		"p/a:b|c;d=e&f+g!'(),*~$":           true,
		"p/...":                             true,
		strings.Repeat("p", 64) + "/" + "n": true,
		"p/" + strings.Repeat("n", 200):     true,
		"":                                  false,
		"/":                                 false,
		"p":                                 false,
		"p/":                                false,
		"/n":                                false,
		"p/a/b":                             false,
		"P/n":                               false,
		"-p/n":                              false,
		"_p/n":                              false,
		"p.q/n":                             false,
		"é/n":                               false,
		"p/.":                               false,
		"p/..":                              false,
		"p/a b":                             false,
		"p/a\u00a0b":                        false,
		"p/a\x00b":                          false,
		"p/a\u200bb":                        false,
		"p/a\r\nb":                          false,
		"p/\xff":                            false,
		`p/a\b`:                             false,
		"p/a%2fb":                           false,
		"p/a?b":                             false,
		"p/a#b":                             false,
		`p/a"b`:                             false,
		"p/<b>":                             false,
		strings.Repeat("p", 65) + "/n":      false,
		"p/" + strings.Repeat("n", 201):     false,
		strings.Repeat("x", 1<<20):          false,
	} {
		id, err := tokenstore.ParseID(text)
		if (err == nil) != valid {
			t.Errorf("%.80q: %v", text, err)
		}
		if err != nil && (!errors.Is(err, tokenstore.ErrInvalidID) || len(err.Error()) > 1000) {
			t.Errorf("%.80q: %.200v", text, err)
		}
		if err == nil && id.String() != text {
			t.Errorf("%q comes back as %q", text, id)
		}
	}
}

func FuzzParseIDTakesOnlyWhatItGivesBack(f *testing.F) {
	f.Add("dropbox-demo/auth")
	f.Add("p/../x")
	f.Add("p/\xff")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := tokenstore.ParseID(text)
		if err != nil {
			if !errors.Is(err, tokenstore.ErrInvalidID) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if id.String() != text || strings.ContainsAny(id.Name, "/\\%?#\"<> \x00\r\n") || id.Name == ".." {
			t.Errorf("%q passes", text)
		}
	})
}
