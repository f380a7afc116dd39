package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
)

// run builds the page and serves it until ctx ends, which is no error then, or until Caddy does. up
// tells whether it got so far that somebody could use the page.
func run(ctx context.Context, s settings, stdout, stderr io.Writer) (up bool, err error) {
	if err := s.checkPorts(ctx); err != nil {
		return false, err
	}
	d := realDropbox()
	if s.app == nil {
		ports, err := s.standinPorts([3]int{9001, 9002, 9003})
		if err != nil {
			return false, err
		}
		if d, err = startStandin(s.redirectURI(), ports); err != nil {
			return false, err
		}
	}
	defer func() { err = errors.Join(err, d.close()) }()
	tool, err := findNPM(ctx)
	if err != nil {
		return false, err
	}
	b := builder{settings: s, npm: tool, variables: s.pageVariables(d), stdout: stdout, stderr: stderr}
	if err := b.build(ctx); err != nil {
		return false, err
	}
	return serve(ctx, s, d, stdout, stderr)
}

// serve runs Caddy.
func serve(ctx context.Context, s settings, d *dropbox, stdout, stderr io.Writer) (up bool, err error) {
	temp, err := os.MkdirTemp("", "dropbox-upload-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	log, err := os.OpenFile(filepath.Join(temp, "caddy.log"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	// The stand-in listens by now, so that it has none of the ports that are chosen here.
	var adminPort int
	if err := s.choose(&adminPort); err != nil {
		return false, err
	}
	process, err := startCaddy(ctx, s, d, temp, adminPort, s.logTo(log, stderr))
	if err != nil {
		tell(stderr, log.Name())
		return false, err
	}
	invite(stdout, s, adminPort, log.Name())
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(stdout, "\nStopping.")
		return true, process.Stop()
	case <-process.Done():
		tell(stderr, log.Name())
		return true, errors.New("caddy has ended")
	}
}

// tell shows the end of Caddy's log, which is gone when the program ends.
func tell(w io.Writer, log string) {
	for _, line := range caddyproc.LogTail(log) {
		_, _ = fmt.Fprintln(w, line)
	}
}

func (s settings) logTo(file, stderr io.Writer) io.Writer {
	if s.verbose {
		return stderr
	}
	return file
}

// startCaddy starts Caddy and waits until it serves the page and the routes.
func startCaddy(ctx context.Context, s settings, d *dropbox, temp string, adminPort int, log io.Writer) (*caddyproc.Process, error) {
	process, err := caddyproc.Start(s.caddyfile(), append(os.Environ(), s.environment(d, temp, adminPort)...), log)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ready := fmt.Sprintf("http://localhost:%d/token_store/ready", adminPort)
	if err := process.WaitReady(ctx, client, ready, s.api(), s.page()); err != nil {
		_ = process.Stop()
		return nil, err
	}
	return process, nil
}

// environment fills in the Caddyfile. The grants of the stand-in end with it, so they are kept with
// what is temporary.
func (s settings) environment(d *dropbox, temp string, adminPort int) []string {
	env := append([]string{
		fmt.Sprintf("UPLOAD_PORT=%d", s.port),
		fmt.Sprintf("UPLOAD_PAGE_PORT=%d", s.pagePort),
		fmt.Sprintf("UPLOAD_ADMIN_PORT=%d", adminPort),
		"UPLOAD_DIST=" + s.dist(),
		"UPLOAD_MODE=" + string(s.mode),
	}, d.variables...)
	if s.mode == returnMode {
		env = append(env, "UPLOAD_CONNECT_SRC="+d.apiURL+" "+d.contentURL)
	}
	if s.app == nil {
		env = append(env, "XDG_DATA_HOME="+temp, "XDG_CONFIG_HOME="+temp, "XDG_CACHE_HOME="+temp)
	}
	return env
}

// database is where the Caddyfile has it for the real Dropbox.
func database() string { return filepath.Join(caddy.AppDataDir(), "dropbox-upload", "tokens.db") }
