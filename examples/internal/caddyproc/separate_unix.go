//go:build unix

package caddyproc

import (
	"os/exec"
	"syscall"
)

// separate keeps the terminal's Ctrl-C from the child: when and how it ends is up to its parent.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
