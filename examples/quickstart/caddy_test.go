package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

func TestCaddyEndsWithItsParent(t *testing.T) {
	d, err := newDemo(options{dir: t.TempDir()}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.close(false); err != nil {
			t.Error(err)
		}
	}()
	if err := d.startCaddy(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The pipe is what breaks when the parent ends, in whatever way.
	if err := d.caddy.parent.Close(); err != nil {
		t.Fatal(err)
	}
	<-d.caddy.done
	if d.caddy.waitErr != nil {
		t.Errorf("caddy ended with %v", d.caddy.waitErr)
	}
}

func TestTheCaddyfileIsValidAsItIs(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, childArg, "validate", "--config", "Caddyfile", "--adapter", "caddyfile")
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
