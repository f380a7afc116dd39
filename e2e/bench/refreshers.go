package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// refreshers are those who refresh tokens, each in its turn: a Caddy and, for comparison, what does the least for it.
type refreshers struct {
	due  *competitor
	bare *process
}

// refreshers starts them, and pauses them.
func (b *bench) refreshers(ctx context.Context, a *authServer) (*refreshers, error) {
	due, err := b.enterDue(ctx, a)
	if err != nil {
		return nil, err
	}
	bare, err := b.startBare(ctx, a)
	if err != nil {
		return nil, err
	}
	return &refreshers{due, bare}, errors.Join(due.pause(), bare.pause())
}

// stop ends them; due is the bench's to end.
func (r *refreshers) stop() {
	_, _ = r.due.resume(), r.bare.resume() // or they would not end
	r.bare.stop()
}

// enterDue runs a Caddy that has the same connections as token_proxy, and others besides that are due.
func (b *bench) enterDue(ctx context.Context, a *authServer) (*competitor, error) {
	idle, dir := b.competitors[tokenProxy], filepath.Join(b.dir, tokenProxyDue)
	idle.admin.CloseIdleConnections()
	idle.stop()
	if err := copyFiles(dir, idle.dir); err != nil {
		return nil, err
	}
	if err := b.runCaddy(ctx, idle, idle.dir); err != nil {
		return nil, err
	}
	if _, err := idle.ready(ctx); err != nil {
		return nil, err
	}
	due, err := b.startStore(ctx, dir, b.provider("due", b.api.plain.URL, a.url, refreshRate))
	if err != nil {
		return nil, err
	}
	b.competitors[tokenProxyDue] = due
	return due, inParallel(importers, refreshable, func(n int) error {
		return put(ctx, due.admin, fmt.Sprintf("due/grant-%d", n), map[string]any{
			"access_token": "none", "refresh_token": a.grants[n], "token_type": "bearer", "expires_in": 1,
		})
	})
}

// copyFiles copies the files of a directory into a new one, for nobody else to read.
func copyFiles(to, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if _, err := write(to, e.Name(), string(content)); err != nil {
			return err
		}
	}
	return nil
}

// startBare runs the program refresher with the grants that Caddy does not have.
func (b *bench) startBare(ctx context.Context, a *authServer) (*process, error) {
	program, err := build(ctx, b.dir, "refresher", ".", "./bench/refresher")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "refresher")
	if err != nil {
		return nil, err
	}
	grants, err := write(dir, "grants", strings.Join(a.grants[refreshable:], "\n"))
	if err != nil {
		return nil, err
	}
	return start(ctx, dir, nil, program, "-url", a.url+"/oauth2/token", "-rate", strconv.Itoa(refreshRate), "-grants", grants, "-file", filepath.Join(dir, "durable"))
}

// authServer is the authorization server, in a process of its own.
type authServer struct {
	*process
	url    string
	grants []string // refresh tokens
}

// startAuthServer runs one behind everything else: in real life it has a machine of its own.
func (b *bench) startAuthServer(ctx context.Context, grants int) (*authServer, error) {
	program, err := build(ctx, b.dir, "authserver", ".", "./bench/authserver")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "authserver")
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, dir, nil, "nice", "-n", "10", program, "-grants", strconv.Itoa(grants), "-lifetime", refreshLifetime.String())
	if err != nil {
		return nil, err
	}
	var lines []string
	err = p.await(ctx, func(context.Context) error {
		said, err := os.ReadFile(filepath.Join(dir, "output"))
		if lines = strings.Fields(string(said)); err == nil && len(lines) <= grants {
			err = errors.New("it has not said all")
		}
		return err
	})
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("the authorization server: %w", err)
	}
	return &authServer{p, lines[0], lines[1:]}, nil
}

// pause stops a process until it is to go on; a nil one is none.
func (p *process) pause() error { return p.send(syscall.SIGSTOP) }

func (p *process) resume() error { return p.send(syscall.SIGCONT) }

func (p *process) send(s syscall.Signal) error {
	if p == nil {
		return nil
	}
	return p.cmd.Process.Signal(s)
}

// refreshes returns how many refreshes have succeeded. It fails if another has failed.
func (c *competitor) refreshes(ctx context.Context) (n float64, err error) {
	answer, err := fetch(ctx, c.admin, http.MethodGet, "/metrics", nil)
	if err != nil {
		return 0, err
	}
	defer answer.Close()
	in := bufio.NewScanner(answer)
	for in.Scan() {
		name, value, _ := strings.Cut(in.Text(), "} ")
		if !strings.HasPrefix(name, "caddy_token_store_refreshes_total{") {
			continue
		}
		if !strings.Contains(name, `result="ok"`) {
			return 0, fmt.Errorf("refreshes fail: %s", in.Text())
		}
		count, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		n += count
	}
	return n, in.Err()
}
