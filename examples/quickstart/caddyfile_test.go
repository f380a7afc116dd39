package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
)

func TestTheCaddyfileIsValidAsItIs(t *testing.T) {
	cmd, err := caddyproc.Command("validate", "--config", "Caddyfile", "--adapter", "caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Valid configuration")) {
		t.Errorf("%v\n%s", err, out)
	}
}
