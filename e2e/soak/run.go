package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/internal/report"
)

// outcome is what became of a job.
type outcome struct {
	Test    string   `json:"test"`
	Package string   `json:"package"`
	Passed  bool     `json:"passed"`
	Seconds float64  `json:"seconds"`
	Printed []string `json:"printed"` // what it told of its counts
	Problem string   `json:"problem,omitempty"`
}

// soak does the jobs: first those that want to be alone, and then the others, so many at once. What fails
// is told at once, and in the results.
func soak(ctx context.Context, jobs []job, atOnce int) (*results, error) {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	began := time.Now()
	r := &results{Machine: report.ThisMachine(), Commit: commit(ctx), Began: began.UTC().Truncate(time.Second), Outcomes: make([]outcome, len(jobs))}
	caddy := filepath.Join(dir, "caddy") // all tests take the same
	if out, err := command(ctx, root, nil, "go", "build", "-o", caddy, "./cmd/caddy").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building Caddy: %w: %s", err, out)
	}
	do := func(i int) {
		r.Outcomes[i] = jobs[i].run(ctx, caddy)
		r.Outcomes[i].tell(os.Stderr, time.Since(began))
	}
	queue := make(chan int, len(jobs))
	for i, j := range jobs {
		if j.Alone {
			do(i)
		} else {
			queue <- i
		}
	}
	close(queue)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range queue {
				do(i)
			}
		})
	}
	workers.Wait()
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// run does one job.
func (j job) run(ctx context.Context, caddy string) outcome {
	o := outcome{Test: j.Test, Package: j.Package}
	which := []string{"-run", "^" + j.Test + "$"}
	if j.benchmark() {
		which = []string{"-run", "^$", "-bench", "^" + j.Test + "$"}
	}
	args := append([]string{"test", "-json", "-count=1", "-timeout", longest.String()}, which...)
	args = append(append(args, j.Package, "-soak"), j.Flags...)
	// A test that lacks something fails then, and is not skipped.
	cmd := command(ctx, j.Module, []string{"CI=true", "E2E_CADDY=" + caddy}, "go", args...)
	began := time.Now()
	out, err := cmd.StdoutPipe()
	if err != nil {
		o.Problem = err.Error()
		return o
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		o.Problem = err.Error()
		return o
	}
	r, failed := read(out)
	err = errors.Join(failed, cmd.Wait(), context.Cause(ctx))
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what outlived it, if anything did
	o.Seconds = time.Since(began).Seconds()
	o.Printed = r.printed(j.Test)
	o.Problem = r.problem(j, err)
	o.Passed = o.Problem == ""
	return o
}

func (j job) benchmark() bool { return strings.HasPrefix(j.Test, "Benchmark") }

// problem returns why a job does not count as done, empty if it does.
func (r *reading) problem(j job, err error) string {
	switch ended, there := r.ended[j.Test]; {
	case err != nil || !r.passed || there && ended.Action == "fail":
		return fmt.Sprintf("it failed: %v\n%s%s", err, &r.rest, r.of(j.Test))
	case r.skipped[j.Test]:
		return "it was skipped, or a part of it\n" + r.of(j.Test).String()
	case !there && !j.benchmark():
		return "there is no such test"
	case len(r.printed(j.Test)) == 0:
		return "it printed no count"
	}
	return ""
}

// command prepares a program that ends with all that it has started when ctx does.
func command(ctx context.Context, dir string, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// commit returns what was tested, as far as git knows.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--abbrev=12", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// tell says what became of a job.
func (o outcome) tell(w io.Writer, after time.Duration) {
	word := "ok"
	if !o.Passed {
		word = "FAILED"
	}
	fmt.Fprintf(w, "%5.0fs  %-6s %s (%.0f s)\n", after.Seconds(), word, o.Test, o.Seconds)
	for _, line := range o.Printed {
		fmt.Fprintf(w, "        %s\n", line)
	}
	if o.Problem != "" {
		fmt.Fprintf(w, "        %s\n", o.Problem)
	}
}
