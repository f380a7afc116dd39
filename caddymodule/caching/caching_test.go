package caching

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVaryOnAddsWhatIsMissing(t *testing.T) {
	tests := map[string]struct {
		before []string
		want   []string
	}{
		"to nothing":                    {nil, []string{"Origin"}},
		"to other names":                {[]string{"Accept, Cookie"}, []string{"Accept, Cookie", "Origin"}},
		"not what is there":             {[]string{"Origin"}, []string{"Origin"}},
		"not what is there in a list":   {[]string{"Accept", "Cookie , origin"}, []string{"Accept", "Cookie , origin"}},
		"though a longer name is there": {[]string{"X-Origin"}, []string{"X-Origin", "Origin"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Vary": tt.before}
			VaryOn(h, "Origin")
			if diff := cmp.Diff(tt.want, h["Vary"]); diff != "" {
				t.Errorf("Vary (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoStoreReplacesWhatWasSaid(t *testing.T) {
	h := http.Header{"Cache-Control": {"public", "max-age=60"}}
	NoStore(h)
	if diff := cmp.Diff(http.Header{"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}}, h); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}
