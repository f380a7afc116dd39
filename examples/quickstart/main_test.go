package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The Caddy that the tests start is this very binary, as it is with the real program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		runChild()
		return
	}
	goleak.VerifyTestMain(m)
}
