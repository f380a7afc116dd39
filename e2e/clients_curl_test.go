package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestCurlUploadsAndDownloadsWithoutAToken(t *testing.T) {
	needs(t, "curl")
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{})
	c.start(c.caddyfile(dropboxProvider(server), dropboxSite))
	importGrant(t, c, server, "auth")
	s := &saas{caddyServer: c}

	content := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB: curl asks with Expect: 100-continue first
	if err := os.WriteFile(filepath.Join(c.dir, "up"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	out := s.sh("curl", "-sS", "--fail-with-body", c.url("/dropbox/2/files/upload"), "--data-binary", "@up",
		"-H", "Content-Type: application/octet-stream", "-H", `Dropbox-API-Arg: {"path":"/a.bin"}`)
	if !strings.Contains(out, standin.ContentHash([]byte(content))) {
		t.Errorf("upload: %s", out)
	}
	s.sh("curl", "-sS", "--fail-with-body", "--compressed", "-o", "down", "-X", "POST", c.url("/dropbox/2/files/download"), "-H", `Dropbox-API-Arg: {"path":"/a.bin"}`)
	if got, err := os.ReadFile(filepath.Join(c.dir, "down")); err != nil || string(got) != content {
		t.Errorf("download: %d bytes, %v", len(got), err)
	}
	part := s.sh("curl", "-sS", "--fail-with-body", "-r", "16-19", "-X", "POST", c.url("/dropbox/2/files/download"), "-H", `Dropbox-API-Arg: {"path":"/a.bin"}`)
	if part != "0123" {
		t.Errorf("part of a download: %d bytes", len(part))
	}
}
