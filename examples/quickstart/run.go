package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// options are what the flags say.
type options struct {
	once      bool
	port      int // 0: a free one
	adminPort int // 0: a free one
	dir       string
	verbose   bool

	// script adds faults to the stand-in, so that a test can see a step fail.
	script []standin.Fault
}

// The exit statuses.
const (
	statusHeld        = 0
	statusFailed      = 1
	statusInterrupted = 130 // before the last step; as a shell has it for SIGINT
)

// step is one thing that is shown, and that holds or does not.
type step struct {
	name string
	text string
	// run does it and returns in a few words what held.
	run func(context.Context, *demo, *printer) (string, error)
}

// steps are shown in this order.
func steps() []step {
	return []step{
		startStep(), consentStep(), tokenStep(),
		uploadStep(), listStep(), downloadStep(),
		refreshStep(), rotationStep(), restartStep(), metricsStep(),
	}
}

// run shows all steps and returns the exit status.
func run(ctx context.Context, o options, stdout, stderr io.Writer) int {
	p := newPrinter(stdout)
	p.headline("Caddy Token Store: quickstart")
	d, err := newDemo(o, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "quickstart:", err)
		return statusFailed
	}
	status := show(ctx, d, p, o.once)
	if err := d.close(status == statusFailed); err != nil {
		_, _ = fmt.Fprintln(stderr, "quickstart:", err)
		return statusFailed
	}
	return status
}

// show goes through the steps and, if all of them held, waits to be interrupted.
func show(ctx context.Context, d *demo, p *printer, once bool) int {
	began := time.Now()
	all := steps()
	for i, s := range all {
		p.step(i+1, len(all), s.name)
		p.text(s.text)
		stepBegan := time.Now()
		held, err := s.run(ctx, d, p)
		if ctx.Err() != nil {
			p.blank()
			p.line("Interrupted.")
			return statusInterrupted
		}
		if err != nil {
			explain(p, d, s.name, err, time.Since(stepBegan))
			return statusFailed
		}
		p.verdict(true, held, time.Since(stepBegan))
	}
	p.blank()
	p.headline(fmt.Sprintf("All %d steps held, in %s.", len(all), rounded(time.Since(began))))
	if once {
		return statusHeld
	}
	invite(p, d)
	select {
	case <-ctx.Done():
	case <-d.caddy.Done():
		p.blank()
		p.line("Caddy has ended.")
		return statusFailed
	}
	p.blank()
	p.line("Good-bye.")
	return statusHeld
}

// explain tells which step did not hold, and all that helps to find out why.
func explain(p *printer, d *demo, name string, err error, took time.Duration) {
	p.verdict(false, name, took)
	if u, ok := errors.AsType[unexpected](err); ok {
		p.row("  expected", u.want)
		p.row("  got", u.got)
	} else {
		p.row("  error", hideTokens(err.Error()))
	}
	p.blank()
	explainLog(p, d)
	p.headline(fmt.Sprintf("The step %q did not hold.", name))
}

func explainLog(p *printer, d *demo) {
	if d.log == nil {
		return // it went to stderr
	}
	lines := caddyproc.LogTail(d.log.Name())
	if len(lines) == 0 {
		return
	}
	p.line("The last lines of Caddy's log, " + d.log.Name() + ":")
	for _, line := range lines {
		p.line("  " + p.style(hideTokens(line), dim))
	}
	p.blank()
}
