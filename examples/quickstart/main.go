// Command quickstart shows in a terminal what a Caddy with this plugin does, against a
// stand-in for Dropbox. It needs no account, no network and no key:
//
//	go run ./examples/quickstart
//
// It starts both, gives the consent as a person with a browser would, and then goes through
// the plugin's promises step by step. It stays up until it is interrupted, so that the URLs
// and the curl lines it prints can be tried. With -once it ends after the last step, with status 0 if
// every step held, and with status 1 and the step's name if one did not.
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

func main() {
	caddyproc.RunIfChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// command is main without the process around it. It returns the exit status.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // parseFlags has told it
	}
	return run(ctx, o, stdout, stderr)
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.once, "once", false, "end after the last step: with status 0 if every step held, else with 1")
	flags.IntVar(&o.port, "port", 0, "port of the site (default: a free one)")
	flags.IntVar(&o.adminPort, "admin-port", 0, "port of Caddy's admin API (default: a free one)")
	flags.StringVar(&o.dir, "dir", "", "keep the database and the log in this directory (default: a temporary one)")
	flags.BoolVar(&o.verbose, "v", false, "write Caddy's log to stderr instead of a file")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var wrong string
	switch {
	case flags.NArg() > 0:
		wrong = fmt.Sprintf("unexpected argument %q", flags.Arg(0))
	case !isPort(o.port) || !isPort(o.adminPort):
		wrong = "a port is a number from 1 to 65535"
	case o.port != 0 && o.port == o.adminPort:
		wrong = "the site and the admin API need a port each"
	default:
		return o, nil
	}
	_, _ = fmt.Fprintln(stderr, wrong)
	flags.Usage()
	return o, errors.New(wrong)
}

// isPort also takes 0, which means a free port.
func isPort(n int) bool { return n >= 0 && n <= 65535 }
