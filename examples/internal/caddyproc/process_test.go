package caddyproc

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// start runs a Caddy with a site that answers, and returns the site's URL.
func start(t *testing.T) (*Process, string) {
	t.Helper()
	var port, adminPort int
	if err := Ports(&port, &adminPort); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "Caddyfile")
	site := fmt.Sprintf("http://localhost:%d", port)
	text := fmt.Sprintf("{\n\tadmin localhost:%d\n\tpersist_config off\n}\n%s {\n\trespond hello\n}\n", adminPort, site)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Start(file, environment(t), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p, site
}

func environment(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	return append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir)
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestCaddyServesUntilItIsStopped(t *testing.T) {
	p, site := start(t)
	if err := p.WaitReady(t.Context(), newClient(t), site); err != nil {
		t.Fatal(err)
	}
	if p.PID() == os.Getpid() {
		t.Error("it has no process of its own")
	}
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
	select {
	case <-p.Done():
	default:
		t.Error("it is not done")
	}
	if answers(t.Context(), newClient(t), site) {
		t.Error("it still answers")
	}
}

func TestCaddyEndsWithItsParent(t *testing.T) {
	p, site := start(t)
	if err := p.WaitReady(t.Context(), newClient(t), site); err != nil {
		t.Fatal(err)
	}
	// The pipe is what breaks when the parent ends, in whatever way.
	if err := p.parent.Close(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.waitErr != nil {
		t.Errorf("it ended with %v", p.waitErr)
	}
}

func TestNobodyWaitsForACaddyThatCannotStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte("http://localhost {\n\tno_such_directive\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p, err := Start(file, environment(t), &log)
	if err != nil {
		t.Fatal(err)
	}
	err = p.WaitReady(t.Context(), newClient(t), "http://127.0.0.1:1/")
	if err == nil || !strings.Contains(err.Error(), "caddy ended: exit status 1") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "no_such_directive") {
		t.Errorf("the log does not say why: %s", &log)
	}
}

func TestPorts(t *testing.T) {
	var a, b int
	if err := Ports(&a, &b); err != nil || a == 0 || b == 0 || a == b {
		t.Fatalf("got %d, %d, %v", a, b, err)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", a))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := Ports(&a); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("port %d cannot be used", a)) {
		t.Errorf("got %v", err)
	}
}
