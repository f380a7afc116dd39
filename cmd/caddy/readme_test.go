package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	caddyfileBlock = regexp.MustCompile("(?s)```caddyfile\n(.*?)```")
	relativeLink   = regexp.MustCompile(`\]\(([A-Za-z][\w./-]*)(#[\w-]*)?\)`)
)

// What a reader copies first has to work.
func TestTheCaddyfilesOfTheDocumentsAreValid(t *testing.T) {
	for _, document := range []string{"README.md", "docs/caddyfile.md", "docs/clients.md", "docs/from-azure.md", "docs/security.md"} {
		blocks := caddyfileBlock.FindAllSubmatch(readDocument(t, document), -1)
		if len(blocks) == 0 {
			t.Errorf("%s has none", document)
		}
		for _, block := range blocks {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			if err := os.WriteFile(file, withinTest(t, block[1]), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := validate(t, file, "anything"); err != nil {
				t.Errorf("%s: %v\n%s", document, err, block[1])
			}
		}
	}
}

// withinTest moves what a server has in /etc and /var into a directory of the test: Caddy reads keys and
// opens logs already when it validates.
func withinTest(t *testing.T, caddyfile []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	key := hex.EncodeToString([]byte(rand.Text() + rand.Text())[:32])
	if err := os.WriteFile(filepath.Join(dir, "token-store.key"), []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	moved := strings.NewReplacer("/etc/caddy", dir, "/var/log/caddy", dir).Replace(string(caddyfile))
	return []byte(moved)
}

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	found := 0
	for _, document := range []string{
		"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
		"docs/admin-api.md", "docs/caddyfile.md", "docs/clients.md", "docs/from-azure.md", "docs/metrics.md", "docs/performance.md", "docs/problems.md", "docs/security.md",
		"examples/README.md", "examples/dropbox-upload/README.md",
	} {
		for _, link := range relativeLink.FindAllSubmatch(readDocument(t, document), -1) {
			found++
			target := filepath.Join(root, filepath.Dir(document), string(link[1]))
			if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s links to %s, which is not there", document, link[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d links were looked at", found)
	}
}

func readDocument(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
