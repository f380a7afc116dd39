package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
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
	return leaktest.Run(m)
}
