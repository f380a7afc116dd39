package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is what there is to know about where a run took place.
type machine struct {
	Processor    string `json:"processor"`
	Cores        int    `json:"cores"`
	Go           string `json:"go"`
	Kernel       string `json:"kernel"`
	Nginx        string `json:"nginx"`
	HAProxy      string `json:"haproxy"`
	Instructions bool   `json:"instructions"` // it counts them
}

func describe(ctx context.Context) machine {
	m := machine{Processor: processor(), Cores: runtime.NumCPU(), Go: runtime.Version()}
	var kernel unix.Utsname
	if unix.Uname(&kernel) == nil {
		m.Kernel = unix.ByteSliceToString(kernel.Release[:])
	}
	m.Nginx = strings.TrimPrefix(version(ctx, "nginx", "-v"), "nginx version: ")
	m.HAProxy, _, _ = strings.Cut(strings.TrimPrefix(version(ctx, "haproxy", "-v"), "HAProxy version "), " ")
	c, err := countInstructions(os.Getpid())
	m.Instructions = c != nil && err == nil
	c.close()
	return m
}

// processor returns the name that Linux has for it.
func processor() string {
	raw, _ := os.ReadFile("/proc/cpuinfo") // it is not there on every machine
	for line := range strings.Lines(string(raw)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// version returns the first line that a program says of itself, empty if it is not there.
func version(ctx context.Context, program, flag string) string {
	out, _ := exec.CommandContext(ctx, program, flag).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
