package forward

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnswersAreForPrivateCachesOnly(t *testing.T) {
	for _, tc := range []struct {
		name     string
		in, want []string
	}{
		{"nothing is said", nil, []string{"private"}},
		{"it is public", []string{"public, max-age=60"}, []string{"private, max-age=60"}},
		{"shared caches have a time of their own", []string{"max-age=60, S-MaxAge=3600,immutable"}, []string{"private, max-age=60, immutable"}},
		{"it is private", []string{"Private, max-age=60"}, []string{"Private, max-age=60"}},
		{"it is in no cache", []string{"max-age=0", "no-store"}, []string{"max-age=0", "no-store"}},
		{"only a field is private", []string{`private="x-a, no-store", max-age=60`}, []string{`private, max-age=60`}},
		{"words stand in quotes", []string{`ext="private, no-store \", private", no-cache="a, public"`}, []string{`private, ext="private, no-store \", private", no-cache="a, public"`}},
		{"there are several lines", []string{"public", "", "max-age=60"}, []string{"private, max-age=60"}},
		{"a quote does not end", []string{`max-age=60, x="no-store, private`}, []string{`private, max-age=60, x="no-store, private`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			if tc.in != nil {
				h["Cache-Control"] = tc.in
			}
			tameAnswer(h, ofGeneric(nil, nil).response, false)
			if diff := cmp.Diff(tc.want, h["Cache-Control"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzAnswersAreForPrivateCachesOnly(f *testing.F) {
	f.Add("public, max-age=60", `private="a, b"`)
	f.Add(`x="\", no-store`, "s-maxage=1")
	f.Fuzz(func(t *testing.T, first, second string) {
		h := http.Header{"Cache-Control": {first, second}}
		keepPrivate(h)
		got := strings.ToLower(strings.Join(h["Cache-Control"], ", "))
		if !strings.Contains(got, "private") && !strings.Contains(got, "no-store") {
			t.Errorf("%q and %q became %q", first, second, got)
		}
		again := h.Clone()
		keepPrivate(again)
		if diff := cmp.Diff(h, again); diff != "" {
			t.Errorf("it is not done the first time:\n%s", diff)
		}
	})
}
