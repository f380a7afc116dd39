package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// caddyBinary is built once for all tests. It is never one that was built with -race, which
// allocates at random.
var caddyBinary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bench")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		caddyBinary, err = build(context.Background(), dir, "caddy", "..", "./cmd/caddy")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
