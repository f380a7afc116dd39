package caddyproc

import (
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// childArg as first argument makes the program Caddy: what follows is Caddy's own
// command line.
const childArg = "caddy"

// RunIfChild is Caddy, and does not return, if [Command] started this process. Else it does
// nothing. It is the first call of main, and of TestMain in a test that starts Caddy.
//
// Such a Caddy ends when its stdin does, and so never outlives its parent, whatever becomes
// of that.
func RunIfChild() {
	if len(os.Args) < 2 || os.Args[1] != childArg {
		return
	}
	os.Args = os.Args[1:]
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = caddy.Stop()
		os.Exit(0)
	}()
	caddycmd.Main()
	os.Exit(0)
}

// Command returns this very program as the command caddy with these arguments, not started yet.
// It needs a stdin that stays open for as long as it is to run.
func Command(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return exec.Command(self, append([]string{childArg}, args...)...), nil //nolint:noctx // it is stopped by a signal, in good time
}
