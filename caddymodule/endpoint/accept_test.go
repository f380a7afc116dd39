package endpoint

import (
	"net/http"
	"testing"
	"time"
)

func TestPreferenceForJSON(t *testing.T) {
	for _, tc := range []struct {
		name   string
		accept []string
		want   bool
	}{
		{"nothing said", nil, false},
		{"anything", []string{"*/*"}, false},
		{"JSON", []string{"application/json"}, true},
		{"JSON in upper case", []string{"Application/JSON"}, true},
		{"JSON with a parameter", []string{"application/json; charset=utf-8"}, true},
		{"JSON or anything", []string{"application/json, */*"}, true},
		{"anything, but rather JSON", []string{"*/*;q=0.5, application/json;q=0.9"}, true},
		{"any application type", []string{"application/*"}, true},
		{"text", []string{"text/plain"}, false},
		{"both, as axios asks", []string{"application/json, text/plain, */*"}, false},
		{"both, rather text", []string{"application/json;q=0.5, text/plain"}, false},
		{"both, rather JSON", []string{"text/plain;q=0.5, application/json"}, true},
		{"both, rather JSON, on two lines", []string{"text/plain;q=0.5", "application/json"}, true},
		{"no JSON", []string{"application/json;q=0, */*"}, false},
		{"no text", []string{"text/plain;q=0, */*;q=0.1"}, true},
		{"the more specific range counts", []string{"application/*, application/json;q=0.1, text/*;q=0.2"}, false},
		{"another type", []string{"application/xml"}, false},
		{"a browser's page", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, false},
		{"a weight above one is skipped", []string{"application/json;q=2"}, false},
		{"a weight that is none is skipped", []string{"application/json;q=x"}, false},
		{"a weight that is not a number is skipped", []string{"application/json;q=NaN"}, false},
		{"white space", []string{"  text/plain ; q=0.1 ,\tapplication/json ; q=0.2"}, true},
		{"garbage", []string{",;,/,=;q,*/json"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := prefersJSON(http.Header{"Accept": tc.accept}); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("application/json, */*;q=0.1")
	f.Add(",;=q/")
	f.Fuzz(func(t *testing.T, accept string) {
		w := weigh(accept, "application", "json")
		if w.q < 0 || w.q > 1000 || w.specificity < 0 || w.specificity > 3 || w.specificity == 0 && w.q != 0 {
			t.Errorf("%q: %+v", accept, w)
		}
	})
}

func TestMinTTL(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"": 0, "other=1": 0, "min_ttl=0": 0, "min_ttl=60": time.Minute, "min_ttl=86400": 24 * time.Hour, "a=b&min_ttl=5": 5 * time.Second,
	} {
		if got, p := minTTLOf(query); p != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", query, got, p, want)
		}
	}
	for _, query := range []string{
		"min_ttl", "min_ttl=", "min_ttl=-1", "min_ttl=%2B5", "min_ttl=1.5", "min_ttl=1h", "min_ttl=1e3", "min_ttl=0x10", "min_ttl= 5",
		"min_ttl=86401", "min_ttl=4294967296", "min_ttl=99999999999999999999", "min_ttl=1&min_ttl=1", "min_ttl=1;a=b", "%zz",
	} {
		if got, p := minTTLOf(query); p == nil || p.Status != http.StatusBadRequest {
			t.Errorf("%q: %s, %v; want a bad request", query, got, p)
		}
	}
}
