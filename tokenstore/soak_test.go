package tokenstore_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
)

// checkOften is rapid.Check, and that so many times in a soak. Rapid tells the seed and the draws of what fails.
func checkOften(t *testing.T, soaking int, property func(*rapid.T)) {
	t.Helper()
	for range soaktest.Times(1, soaking) {
		rapid.Check(t, property)
	}
}
