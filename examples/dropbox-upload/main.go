// Command dropbox-upload runs a web page that uploads to Dropbox, and the Caddy behind it.
// It needs a checkout and Node.js, and no account:
//
//	go run ./examples/dropbox-upload
//
// It installs the page's packages and builds the page where that is needed, starts Caddy and a
// stand-in for Dropbox, and says which URL to open. All of it stays up until it is interrupted. With
// DROPBOX_CLIENT_ID and DROPBOX_CLIENT_SECRET in the environment it runs against the real Dropbox.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
)

// The exit statuses.
const (
	statusStopped     = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130 // before all was up; as a shell has it for SIGINT
)

func main() {
	caddyproc.RunIfChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // who presses Ctrl-C again does not want to wait
	status := command(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// command is main without the process around it. It returns the exit status.
func command(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	s, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return statusUsage // parseFlags has told it
	}
	if s.app, err = readApp(getenv); err == nil {
		s.dir, err = findProject()
	}
	up := false
	if err == nil {
		up, err = run(ctx, s, stdout, stderr)
	}
	switch {
	case up && err == nil:
		return statusStopped
	case !up && ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "\nInterrupted.")
		return statusInterrupted
	}
	_, _ = fmt.Fprintln(stderr, "dropbox-upload:", err)
	return statusFailed
}

func parseFlags(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("dropbox-upload", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar((*string)(&s.mode), "mode", string(forward), "forward: Caddy attaches the token; return: the page gets the token")
	flags.IntVar(&s.port, "port", defaultPort, "port of the routes that the page calls")
	flags.IntVar(&s.pagePort, "page-port", defaultPagePort, "port of the page")
	flags.BoolVar(&s.verbose, "v", false, "write what npm and Caddy log to stderr")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	err := s.check()
	if flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		flags.Usage()
	}
	return s, err
}
