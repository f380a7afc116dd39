package main

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/internal/report"
)

// machine is what there is to know about where a run took place.
type machine struct {
	report.Machine
	Nginx        string `json:"nginx"`
	HAProxy      string `json:"haproxy"`
	Instructions bool   `json:"instructions"` // it counts them
}

func describe(ctx context.Context) machine {
	m := machine{Machine: report.ThisMachine()}
	m.Nginx = strings.TrimPrefix(version(ctx, "nginx", "-v"), "nginx version: ")
	m.HAProxy, _, _ = strings.Cut(strings.TrimPrefix(version(ctx, "haproxy", "-v"), "HAProxy version "), " ")
	c, err := countInstructions(os.Getpid())
	m.Instructions = c != nil && err == nil
	c.close()
	return m
}

// version returns the first line that a program says of itself, empty if it is not there.
func version(ctx context.Context, program, flag string) string {
	out, _ := exec.CommandContext(ctx, program, flag).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
