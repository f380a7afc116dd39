//go:build !unix

package caddyproc

import "os/exec"

func separate(*exec.Cmd) {}
