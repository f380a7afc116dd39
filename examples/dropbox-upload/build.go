package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// builder makes the page's files.
type builder struct {
	settings
	npm npm
	// variables are what the page is built for.
	variables []string
	stdout    io.Writer
	stderr    io.Writer
}

// pageVariables say to the page where to call.
func (s settings) pageVariables(d *dropbox) []string {
	variables := []string{
		"VITE_MODE=" + string(s.mode),
		"VITE_API_URL=" + s.api() + "/dropbox",
		"VITE_TOKEN_ENDPOINT=" + s.api() + "/dropbox-demo/token",
	}
	if s.mode == returnMode {
		variables = append(variables, "VITE_DROPBOX_API_URL="+d.apiURL, "VITE_DROPBOX_CONTENT_URL="+d.contentURL)
	}
	return variables
}

// build installs what the page is built with, and builds it, unless that was done.
func (b builder) build(ctx context.Context) error {
	if !b.installed() {
		if err := b.run(ctx, "Installing the page's packages", "ci"); err != nil {
			return err
		}
	}
	if b.built() {
		return nil
	}
	if err := b.run(ctx, fmt.Sprintf("Building the page, for mode %q", b.mode), "run", "build"); err != nil {
		return err
	}
	return b.remember()
}

// installed tells whether the packages are those of the lock file. npm writes its own copy
// of that when it is done.
func (b builder) installed() bool {
	want, err := os.Stat(filepath.Join(b.dir, "package-lock.json"))
	if err != nil {
		return false
	}
	have, err := os.Stat(filepath.Join(b.dir, "node_modules", ".package-lock.json"))
	return err == nil && !have.ModTime().Before(want.ModTime())
}

// run runs npm, and shows what it printed only if it failed.
func (b builder) run(ctx context.Context, what string, args ...string) error {
	_, _ = fmt.Fprintf(b.stdout, "%s (npm %s) ... ", what, strings.Join(args, " "))
	began := time.Now()
	cmd := exec.CommandContext(ctx, b.npm.path, args...)
	cmd.Dir, cmd.Env = b.dir, b.environment(os.Environ())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if b.verbose {
		cmd.Stdout, cmd.Stderr = b.stderr, b.stderr
	}
	if err := cmd.Run(); err != nil {
		if ctx.Err() == nil {
			_, _ = fmt.Fprintln(b.stdout, "failed")
			_, _ = fmt.Fprintf(b.stderr, "%s\n", bytes.TrimSpace(out.Bytes()))
		}
		return fmt.Errorf("npm %s: %w", args[0], err)
	}
	_, _ = fmt.Fprintf(b.stdout, "%.0f s\n", max(1, time.Since(began).Seconds()))
	return nil
}

// environment is that of npm, which runs code of many packages. None of it gets the
// app's secret.
func (b builder) environment(own []string) []string {
	own = slices.DeleteFunc(own, func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return name == clientSecretVariable || strings.HasPrefix(name, "VITE_")
	})
	return append(own, b.variables...)
}
