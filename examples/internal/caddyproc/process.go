package caddyproc

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
)

// How long Caddy may take.
const (
	startDeadline = 30 * time.Second
	stopDeadline  = 20 * time.Second
	readyInterval = 20 * time.Millisecond
)

// Process is a Caddy that was started. Its methods are safe for concurrent use.
type Process struct {
	cmd     *exec.Cmd
	parent  io.Closer     // its stdin
	done    chan struct{} // closed when it has ended
	waitErr error         // how; to be read once done is closed
}

// Start runs Caddy with a Caddyfile and with an environment, which is all that it gets. What
// it prints goes to log. Start does not wait until Caddy is ready; see [Process.WaitReady].
// Ctrl-C in a terminal does not reach it: whoever started it calls [Process.Stop].
func Start(caddyfile string, env []string, log io.Writer) (*Process, error) {
	cmd, err := Command("run", "--config", caddyfile, "--adapter", "caddyfile")
	if err != nil {
		return nil, err
	}
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = log, log
	separate(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start caddy: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start caddy: %w", err)
	}
	p := &Process{cmd: cmd, parent: stdin, done: make(chan struct{})}
	go func() {
		p.waitErr = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// PID returns the ID of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when Caddy has ended, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.done }

// WaitReady waits until every one of the URLs answers, whatever the status. It returns an error
// if Caddy ends before, and if it takes more than half a minute.
func (p *Process) WaitReady(ctx context.Context, client *http.Client, urls ...string) error {
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

// Stop ends Caddy as an operator does, waits for it, and returns how it ended: nil means in
// good order. After 20 seconds it is killed, which is an error. Calling Stop again is none.
func (p *Process) Stop() error {
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
