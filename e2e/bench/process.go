package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a competitor's, with a directory of its own for all that it writes.
type process struct {
	dir   string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// start runs a program in dir until it is stopped, longer than ctx if need be. What it says goes to the file "output" there.
func start(ctx context.Context, dir string, env []string, program string, args ...string) (*process, error) {
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the program has its own
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	cmd.Env = append(cmd.Env, env...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{dir: dir, cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // ProcessState has the result
		close(p.ended)
	}()
	return p, nil
}

// await returns when probe succeeds, which it has to within two minutes: valgrind makes a program fifty times slower.
func (p *process) await(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("it does not answer"))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w\n%s", context.Cause(ctx), err, p.output())
		case <-p.ended:
			return fmt.Errorf("it ended: %s\n%s", p.cmd.ProcessState, p.output())
		case <-tick.C:
		}
	}
}

func (p *process) output() []byte {
	out, _ := os.ReadFile(filepath.Join(p.dir, "output")) // it may have said nothing
	return out[max(0, len(out)-4<<10):]
}

// stop ends the process and its children, and gives them five seconds for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}
