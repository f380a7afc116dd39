package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// childArg as first argument makes this program Caddy: what follows is Caddy's own
// command line. Caddy in a process of its own is what makes the restart a true one.
const childArg = "caddy"

// How long Caddy may take.
const (
	startDeadline = 30 * time.Second
	stopDeadline  = 20 * time.Second
	readyInterval = 20 * time.Millisecond
)

// runChild is Caddy. It ends when its stdin does, and so never outlives its parent,
// whatever becomes of that.
func runChild() {
	os.Args = os.Args[1:]
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = caddy.Stop()
		os.Exit(0)
	}()
	caddycmd.Main()
}

// caddyProcess is a Caddy that runs.
type caddyProcess struct {
	cmd     *exec.Cmd
	parent  io.Closer     // its stdin
	done    chan struct{} // closed when it has ended
	waitErr error         // how; to be read once done is closed
}

// startCaddy starts this program once more, as Caddy. It does not wait until Caddy is ready.
func startCaddy(config string, env []string, log io.Writer) (*caddyProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, childArg, "run", "--config", config, "--adapter", "caddyfile") //nolint:noctx // it is stopped by a signal, in good time
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	separate(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start caddy: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start caddy: %w", err)
	}
	p := &caddyProcess{cmd: cmd, parent: stdin, done: make(chan struct{})}
	go func() {
		p.waitErr = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *caddyProcess) pid() int { return p.cmd.Process.Pid }

// waitReady waits until every one of the URLs answers, whatever the status.
func (p *caddyProcess) waitReady(ctx context.Context, client *http.Client, urls ...string) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for len(urls) > 0 {
		if answers(ctx, client, urls[0]) {
			urls = urls[1:]
			continue
		}
		select {
		case <-p.done:
			return fmt.Errorf("caddy ended: %w", exitError(p.waitErr))
		case <-ctx.Done():
			return fmt.Errorf("caddy does not answer at %s: %w", urls[0], ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

func answers(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return true
}

// stop ends Caddy as an operator does, and returns how it ended. Calling it again is no error.
func (p *caddyProcess) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		// There is no such signal on Windows.
		_ = p.cmd.Process.Kill()
	}
	deadline := time.NewTimer(stopDeadline)
	defer deadline.Stop()
	select {
	case <-p.done:
		return p.waitErr
	case <-deadline.C:
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	return fmt.Errorf("caddy did not end within %s", stopDeadline)
}

// exitError makes an unexpected end an error, whatever the status was.
func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
