package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

// The Caddy that the tests start is this very binary, as it is with the real program, and so
// are the node and the npm that they put into the PATH.
func TestMain(m *testing.M) {
	caddyproc.RunIfChild()
	switch program := filepath.Base(os.Args[0]); program {
	case "node", "npm":
		os.Exit(playTool(program, os.Args[1:]))
	}
	leaktest.VerifyTestMain(m)
}

func TestFlags(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		status int
		tells  string
	}{
		{"help", []string{"-h"}, 0, "-page-port"},
		{"an unknown flag", []string{"-once"}, 2, "-once"},
		{"an argument", []string{"return"}, 2, `unexpected argument "return"`},
		{"an unknown mode", []string{"-mode", "backward"}, 2, `there is no mode "backward"; it is forward or return`},
		{"a port beyond all ports", []string{"-port", "65536"}, 2, "1 to 65535"},
		{"no port", []string{"-page-port", "0"}, 2, "1 to 65535"},
		{"one port for both", []string{"-port", "5173"}, 2, "a port each"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, problems strings.Builder
			if status := command(t.Context(), tt.args, nothing, &out, &problems); status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if !strings.Contains(problems.String(), tt.tells) {
				t.Errorf("got %q, want %q in it", problems.String(), tt.tells)
			}
		})
	}
}

// nothing is an environment without variables.
func nothing(string) string { return "" }

func TestOneVariableIsNotEnough(t *testing.T) {
	for set, missing := range map[string]string{
		"DROPBOX_CLIENT_ID":     "DROPBOX_CLIENT_SECRET",
		"DROPBOX_CLIENT_SECRET": "DROPBOX_CLIENT_ID",
	} {
		var out, problems strings.Builder
		getenv := func(name string) string {
			if name == set {
				return "planted-value"
			}
			return ""
		}
		if status := command(t.Context(), nil, getenv, &out, &problems); status != statusFailed {
			t.Errorf("%s: status %d", set, status)
		}
		if want := set + " is set and " + missing + " is not"; !strings.Contains(problems.String(), want) {
			t.Errorf("got %q, want %q in it", &problems, want)
		}
		if strings.Contains(problems.String(), "planted-value") {
			t.Errorf("the value is shown: %s", &problems)
		}
	}
}

func TestItSaysWhereToRunIt(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, problems strings.Builder
	if status := command(t.Context(), nil, nothing, &out, &problems); status != statusFailed {
		t.Errorf("status %d", status)
	}
	if want := "run the command in the checkout"; !strings.Contains(problems.String(), want) {
		t.Errorf("got %q, want %q in it", &problems, want)
	}
}
