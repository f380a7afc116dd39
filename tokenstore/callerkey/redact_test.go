package callerkey

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"/token?a=1":                    "/token?a=1",
		"/x?k=tsk_ab1_cd&b=2":           "/x?k=tsk_REDACTED&b=2",
		"Bearer tsg_ey.J-_9, tsk_x":     "Bearer tsg_REDACTED, tsk_REDACTED",
		"tsk_tsg_x":                     "tsk_REDACTED",
		"tsk_":                          "tsk_REDACTED",
		"/a#subscription-key=tsk_a/%20": "/a#subscription-key=tsk_REDACTED/%20",
	} {
		if got := Redact(text); got != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("x", "y")
	f.Add("tsk", "_")
	f.Fuzz(func(t *testing.T, before, after string) {
		const key = "tsk_aaaaaaaaaa_" + "canary"
		got := Redact(before + key + after)
		if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(got, before, ""), after, ""), "canary") && !strings.Contains(before+after, "canary") {
			t.Errorf("%q", got)
		}
		if again := Redact(got); strings.Contains(again, "canary") && !strings.Contains(before+after, "canary") {
			t.Errorf("%q", again)
		}
	})
}
