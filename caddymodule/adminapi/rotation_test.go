package adminapi

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestTheProblemOfARotationSaysWhatHelps(t *testing.T) {
	damage := fmt.Errorf("canary: %w", storage.ErrDamaged)
	for name, tt := range map[string]struct {
		rotation tokenstore.Rotation
		want     []string // in the problem; none if there is to be none
	}{
		"none":                      {tokenstore.Rotation{OlderKeys: 1}, nil},
		"a full disk":               {tokenstore.Rotation{OlderKeys: 1, Trouble: errors.New("canary")}, []string{"Caddy's log"}},
		"damage among the records":  {tokenstore.Rotation{OlderKeys: 1, Trouble: damage}, []string{"records", "former keys are kept", "recover <new file>"}},
		"damage where the keys are": {tokenstore.Rotation{Trouble: damage}, []string{"the new key could not be saved", "recover <new file>"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := NewRotation(tt.rotation).Problem
			if (got == "") != (tt.want == nil) || strings.Contains(got, "canary") {
				t.Errorf("got %q", got)
			}
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, without %q", got, want)
				}
			}
		})
	}
}
