package admin

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func TestAStoreIsNotReady(t *testing.T) {
	failed := errors.New("canary")
	tests := []struct {
		name   string
		health tokenstore.Health
		says   []string
	}{
		{"never, if it is well", tokenstore.Health{}, nil},
		{"while a token is unsaved", tokenstore.Health{Unsaved: 1}, []string{"in memory only"}},
		{"while the storage fails", tokenstore.Health{Storage: failed}, []string{"the storage failed"}},
		{"for both reasons", tokenstore.Health{Unsaved: 1, Storage: failed}, []string{"in memory only", "the storage failed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := healthProblems(tt.health)
			if len(got) != len(tt.says) {
				t.Fatalf("got %q", got)
			}
			for i, says := range tt.says {
				if !strings.Contains(got[i], says) || strings.Contains(got[i], "canary") {
					t.Errorf("got %q, want %q", got[i], says)
				}
			}
		})
	}
}
