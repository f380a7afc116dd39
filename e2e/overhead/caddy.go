package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// caddy is a Caddy in a process of its own.
type caddy struct {
	cmd *exec.Cmd
	url string
}

// startCaddy runs Caddy, with dir for everything that it writes, and waits until
// it listens. config returns the global options and the site of a configuration.
func startCaddy(ctx context.Context, binary, dir string, config func(url string) (global, site string)) (*caddy, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	c := &caddy{url: "http://" + address}
	global, site := config(c.url)
	file := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf("{\nadmin off\npersist_config off\nlog default {\nlevel ERROR\n}\n%s\n}\n%s\n", global, site)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	//nolint:gosec // whoever runs the command says which Caddy to run
	c.cmd = exec.CommandContext(ctx, binary, "run", "--config", file, "--adapter", "caddyfile")
	c.cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := c.wait(ctx); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// wait returns when c answers a request as it should.
func (c *caddy) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("no answer from Caddy"))
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := get(ctx, transport, c.url)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

func (c *caddy) stop() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// cpu returns the CPU time that the process has used, in user and kernel.
func (c *caddy) cpu() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The second field is the program's name in parentheses, and may hold spaces.
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("unknown format of /proc/PID/stat")
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime: proc_pid_stat(5)
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// ticksPerSecond is USER_HZ, which is 100 on every Linux that Go runs on.
const ticksPerSecond = 100

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // nothing was sent
	return l.Addr().(*net.TCPAddr).Port, nil
}
