package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// bench is everything that runs: the servers behind the competitors, and the competitors.
type bench struct {
	dir            string
	ca             string // file with the CA of this run
	caddy, goproxy string // programs
	api            *upstream
	grants         *httptest.Server // where forward_auth asks for the token
	oauth          *standin.Server
	competitors    map[string]*competitor
}

// newBench starts the servers and builds the programs; caddy names one that is there already.
func newBench(ctx context.Context, caddy string) (*bench, error) {
	b := &bench{caddy: caddy, competitors: make(map[string]*competitor)}
	if err := b.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) prepare(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	if b.caddy == "" {
		if b.caddy, err = build(ctx, b.dir, "caddy", "..", "./cmd/caddy"); err != nil {
			return err
		}
	}
	if b.goproxy, err = build(ctx, b.dir, "goproxy", ".", "./bench/goproxy"); err != nil {
		return err
	}
	b.ca = filepath.Join(b.dir, "ca.pem")
	certificate, err := newCertificate(b.ca)
	if err != nil {
		return err
	}
	b.api = newUpstream(certificate)
	b.grants = httptest.NewServer(http.HandlerFunc(grantToken))
	b.oauth = standin.New(standin.Options{Clients: []standin.Client{{ID: "id", Secret: "secret"}}, Rotation: standin.RotateAlways})
	return b.oauth.Start()
}

// build makes a program of a package of the module in a directory, relative to this module.
func build(ctx context.Context, dir, name, module, pkg string) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, pkg)
	cmd.Dir, cmd.Stderr = filepath.Join(root, module), os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	return program, nil
}

// enter starts a competitor, unless it runs already.
func (b *bench) enter(ctx context.Context, name string) (*competitor, error) {
	if c := b.competitors[name]; c != nil {
		return c, nil
	}
	entry, err := find(name)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	c, err := entry.start(ctx, b, dir)
	if err != nil {
		return nil, err
	}
	b.competitors[name] = c
	return c, nil
}

// leave ends a competitor, so that it can enter afresh.
func (b *bench) leave(name string) error {
	c := b.competitors[name]
	if c == nil {
		return nil
	}
	delete(b.competitors, name)
	if c.admin != nil {
		c.admin.CloseIdleConnections()
	}
	c.stop()
	return os.RemoveAll(c.dir)
}

// leaveAll ends all competitors.
func (b *bench) leaveAll() error {
	var errs []error
	for name := range b.competitors {
		errs = append(errs, b.leave(name))
	}
	return errors.Join(errs...)
}

func (b *bench) close() {
	errs := []error{b.leaveAll()}
	if b.oauth != nil {
		errs = append(errs, b.oauth.Close())
	}
	if b.grants != nil {
		b.grants.Close()
	}
	if b.api != nil {
		b.api.close()
	}
	if err := errors.Join(append(errs, os.RemoveAll(b.dir))...); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// moduleRoot returns the directory of this module.
func moduleRoot(ctx context.Context) (string, error) {
	file, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	module := strings.TrimSpace(string(file))
	if module == "" || module == os.DevNull {
		return "", errors.New("no Go module here: run it in the directory e2e of the checkout")
	}
	return filepath.Dir(module), nil
}
