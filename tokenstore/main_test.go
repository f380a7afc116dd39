package tokenstore_test

import (
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

func TestMain(m *testing.M) {
	leaktest.VerifyTestMain(m)
}
