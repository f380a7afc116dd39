package query

import (
	"net/url"
	"strings"
	"testing"
)

func TestWithout(t *testing.T) {
	for _, tc := range []struct{ name, raw, want string }{
		{"no query", "", ""},
		{"nothing to take away", "a=1&b=%C3%BC&a=2&&c", "a=1&b=%C3%BC&a=2&&c"},
		{"the only one", "the-key=x", ""},
		{"among others", "a=1&the-key=x&b=2", "a=1&b=2"},
		{"more than once", "the-key=x&a=1&the-key=y", "a=1"},
		{"another of the names", "other=x&a=1", "a=1"},
		{"in capitals", "The-KEY=x&OTHER=y&a=1", "a=1"},
		{"escaped", "the%2dkey=x&%6fther=y&a=1", "a=1"},
		{"with blanks", "+the-key+=x&a=1", "a=1"},
		{"without a value", "the-key&a=1", "a=1"},
		{"behind a semicolon", "a=1;the-key=x&b=2", "b=2"},
		{"a longer name", "the-keys=x&xthe-key=y", "the-keys=x&xthe-key=y"},
		{"in a value", "a=the-key", "a=the-key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Without(tc.raw, "the-key", "other"); got != tc.want {
				t.Errorf("%q became %q, not %q", tc.raw, got, tc.want)
			}
			if got, want := Has(tc.raw, "the-key", "other"), tc.raw != tc.want; got != want {
				t.Errorf("Has(%q) is %t", tc.raw, got)
			}
		})
	}
}

func TestRedactLeavesNothingOfAValue(t *testing.T) {
	if got := Redact("a=1&the-key=secret&%74he-key=secret&b=2;the-key=secret&c", "the-key"); got != "a=1&REDACTED&REDACTED&REDACTED&c" {
		t.Errorf("it is %q", got)
	}
	if got := Redact("", "the-key"); got != "" {
		t.Errorf("no query becomes %q", got)
	}
}

func TestGet(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "a=1": "", "the-key": "", "the-key=x": "x", "a=1&The%2dKey=x%2By+z&the-key=second": "x+y z",
		"a=1;the-key=x": "x", "the-key=%zz": "%zz",
	} {
		if got := Get(raw, "the-key"); got != want {
			t.Errorf("%q: %q, not %q", raw, got, want)
		}
	}
}

// FuzzWithout: no server finds the parameter in what is left.
func FuzzWithout(f *testing.F) {
	for _, seed := range []string{"a=1&the-key=x", "the%2dkey=x", "a;the-key=1", "%zz&THE-KEY", "&&=&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		rest := Without(raw, "the-key")
		if Has(rest, "the-key") {
			t.Fatalf("%q became %q, which still has it", raw, rest)
		}
		// What package net/url can read of it, in whatever case.
		values, _ := url.ParseQuery(rest)
		for name := range values {
			if strings.EqualFold(name, "the-key") {
				t.Fatalf("%q became %q, in which net/url finds %q", raw, rest, name)
			}
		}
	})
}
