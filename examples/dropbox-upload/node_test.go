package main

import (
	"strings"
	"testing"
)

func TestVersionsOfNode(t *testing.T) {
	for version, want := range map[string]bool{
		"v18.20.4": false, "v20.18.3": false, "v20.19.0": true, "v20.20.2": true, "v21.7.3": false,
		"v22.11.0": false, "v22.12.0": true, "v23.0.0": true, "v24.1.0": true, "v100.0.0": true,
		"": false, "20.19.0": false, "v20": false, "node": false,
	} {
		if got := isRecent(version); got != want {
			t.Errorf("%q: got %t", version, got)
		}
	}
}

func TestItSaysWhatToInstall(t *testing.T) {
	t.Run("npm is missing", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := findNPM(t.Context())
		checkError(t, err, "npm is needed to build the page", "install Node.js 22 or newer")
	})
	t.Run("node is too old", func(t *testing.T) {
		newProject(t)
		t.Setenv(versionVariable, "v18.20.4")
		_, err := findNPM(t.Context())
		checkError(t, err, "node v18.20.4 is too old", "install Node.js 22 or newer")
	})
}

func checkError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}
