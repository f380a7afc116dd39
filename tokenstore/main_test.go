package tokenstore_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

func TestMain(m *testing.M) {
	if grants := os.Getenv(childServer); grants != "" {
		if err := serve(grants); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	leaktest.VerifyTestMain(m)
}
