package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// npm is the npm that was found.
type npm struct{ path string }

const getNode = "install Node.js 22 or newer (20.19 will do), which brings npm, from https://nodejs.org or with your package manager"

// findNPM returns an error that says what to install if the page's tools cannot run here.
func findNPM(ctx context.Context) (npm, error) {
	path, err := exec.LookPath("npm")
	if err != nil {
		return npm{}, fmt.Errorf("npm is needed to build the page, and it is not there: %s", getNode)
	}
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return npm{}, fmt.Errorf("node does not run: %w; %s", err, getNode)
	}
	if version := strings.TrimSpace(string(out)); !isRecent(version) {
		return npm{}, fmt.Errorf("node %s is too old to build the page: %s", version, getNode)
	}
	return npm{path: path}, nil
}

// isRecent tells whether Vite runs with this version of Node.js: 20.19 and later ones of 20,
// or 22.12 and newer.
func isRecent(version string) bool {
	var major, minor int
	if n, _ := fmt.Sscanf(version, "v%d.%d.", &major, &minor); n < 2 {
		return false
	}
	switch major {
	case 20:
		return minor >= 19
	case 22:
		return minor >= 12
	}
	return major > 22
}
