package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
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

// cpu returns the CPU time that the process has used, in user and kernel. The clock counts nanoseconds,
// and /proc/PID/stat hundredths of a second.
func (c *caddy) cpu() (time.Duration, error) {
	var spent unix.Timespec
	if err := unix.ClockGettime(cpuClock(c.cmd.Process.Pid), &spent); err != nil {
		return 0, fmt.Errorf("read the CPU time of Caddy: %w", err)
	}
	return time.Duration(spent.Nano()), nil
}

// cpuClock returns the clock that clock_getcpuclockid(3) tells for a process.
func cpuClock(pid int) int32 {
	const scheduled = 2               // CPUCLOCK_SCHED of Linux: the time that the scheduler gave it
	return int32(^pid<<3 | scheduled) //nolint:gosec // a process id has 22 bits at most
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // nothing was sent
	return l.Addr().(*net.TCPAddr).Port, nil
}
