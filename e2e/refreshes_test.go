package e2e

import (
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// refreshesSeen counts the refreshes that reached the stand-in: in all, and how
// often more than one came with the same refresh token.
func refreshesSeen(server *standin.Server) (all, repeated int) {
	type used struct{ family, generation int }
	seen := make(map[used]bool)
	for _, e := range server.Journal() {
		if e.GrantType != "refresh_token" {
			continue
		}
		all++
		u := used{e.Family, e.Generation}
		if seen[u] {
			repeated++
		}
		seen[u] = true
	}
	return all, repeated
}

// checkFamilies fails the test if the stand-in revoked a grant.
func checkFamilies(t *testing.T, server *standin.Server) {
	t.Helper()
	for _, f := range server.Families() {
		if f.Revoked {
			t.Errorf("grant %d was revoked at generation %d: %s", f.ID, f.Generation, f.Reason)
		}
	}
}
