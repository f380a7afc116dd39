package testcaddy

import (
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret/secrettest"
)

func TestMain(m *testing.M) { VerifyTestMain(m) }

// The check of every test's Caddy finds what is logged on purpose, whatever it was made of.
func TestLeaksAreFound(t *testing.T) {
	s, _, providers, site := NewAcme(t)
	s.MustLoad(providers, site)
	if found := s.leaks(); len(found) > 0 {
		t.Fatalf("before: %q", found)
	}
	const token = "standin-at-KHY26DDITH6BVRTZ"
	for _, form := range []string{secrettest.Plain, secrettest.Percent, secrettest.JSON, secrettest.Hex, secrettest.Base64} {
		for _, written := range secrettest.Written(token, form) {
			caddy.Log().Debug("planted", zap.String("leak", "x"+written+"y"))
			if found := s.leaks(); len(found) == 0 || !strings.Contains(found[0], "standin-at-") {
				t.Errorf("%s: %q is not found: %q", form, written, found)
			}
			if err := os.Truncate(s.logFile(), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found := s.leaks(); len(found) > 0 {
		t.Fatalf("after: %q", found)
	}
}
