package query

import (
	"net/url"
	"testing"
)

// FuzzSingle: what is read of a callback is what net/url reads, and there is no other value of it.
func FuzzSingle(f *testing.F) {
	f.Add("state=s&code=c&scope=x")
	f.Add("state=s&state=t")
	f.Add("%zz;=&")
	f.Fuzz(func(t *testing.T, raw string) {
		params, ok := Single(raw, "state", "code")
		if !ok {
			return
		}
		all, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q is read, but %v", raw, err)
		}
		for _, name := range []string{"state", "code"} {
			if len(all[name]) > 1 || all.Get(name) != params[name] || len(params[name]) > MaxValue {
				t.Errorf("%q: %s is %q, of %q", raw, name, params[name], all[name])
			}
		}
	})
}
