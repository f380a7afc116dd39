package secrettest_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret/secrettest"
)

func TestASecretIsFoundInEachForm(t *testing.T) {
	const secret = `k"e/y+with <all> & é=1`
	quoted, err := json.Marshal("x" + secret + "y")
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{
		secrettest.Plain:   "x" + secret + "y",
		secrettest.Percent: "https://a.example/?k=" + url.QueryEscape(secret) + "&b",
		secrettest.JSON:    string(quoted),
		secrettest.Hex:     "0x" + hex.EncodeToString([]byte(secret)) + "00",
		secrettest.Base64:  "Basic " + base64.StdEncoding.EncodeToString([]byte("id:"+secret+"\n")),
		secrettest.Start:   "starts with " + secret[:12] + "…",
	} {
		if got := secrettest.Find([]byte(text), secret); !slices.Contains(got, form) {
			t.Errorf("%s: found %q in %s", form, got, text)
		}
	}
	if got := secrettest.Find([]byte("k\"e/y+with and nothing else that is secret"), secret); len(got) > 0 {
		t.Errorf("found %q where it is not", got)
	}
}

func FuzzASecretIsFoundWhateverStandsAroundIt(f *testing.F) {
	f.Add("before", "a secret of a length", "behind")
	f.Add("", "canary", "\x00")
	f.Fuzz(func(t *testing.T, before, secret, behind string) {
		if len(secret) < 6 {
			return
		}
		for form, encode := range map[string]func(string) string{
			secrettest.Plain:   func(s string) string { return s },
			secrettest.Percent: url.QueryEscape,
			secrettest.Hex:     func(s string) string { return hex.EncodeToString([]byte(s)) },
			secrettest.Base64:  func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
		} {
			if got := secrettest.Find([]byte(encode(before+secret+behind)), secret); !slices.Contains(got, form) {
				t.Errorf("%s: found %q", form, got)
			}
		}
	})
}
