package methods_test

import (
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/methods"
)

func TestMain(m *testing.M) { leaktest.VerifyTestMain(m) }

func TestMethodsThatMayBeForwarded(t *testing.T) {
	for _, method := range append(methods.Standard(), "PROPFIND", "VERSION-CONTROL", "QUERY") {
		if err := methods.Check(method); err != nil {
			t.Error(err)
		}
	}
}

func TestMethodsThatAreNeverForwarded(t *testing.T) {
	for _, tc := range []struct{ name, method, hint string }{
		{"none", "", "capital letters"},
		{"one in lower case", "get", "capital letters"},
		{"one in mixed case", "Get", "capital letters"},
		{"one with a space", "GET ", "capital letters"},
		{"one with a line break", "GE\nT", "capital letters"},
		{"one beyond ASCII", "GÉT", "capital letters"},
		{"a long one", strings.Repeat("A", 300), "capital letters"},
		{"a tunnel", "CONNECT", "tunnel"},
		{"an echo", "TRACE", "never"},
		{"Microsoft's echo", "TRACK", "never"},
		{"a debugger", "DEBUG", "never"},
		{"the preface of HTTP/2", "PRI", "never"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := methods.Check(tc.method); err == nil || !strings.Contains(err.Error(), tc.hint) {
				t.Errorf("got %v, want something about %q", err, tc.hint)
			}
		})
	}
}

func TestTheStandardMethodsBelongToTheCaller(t *testing.T) {
	methods.Standard()[0] = "EVIL"
	if methods.Standard()[0] == "EVIL" {
		t.Error("one caller changes them for all")
	}
}
