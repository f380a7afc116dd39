package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	caddyfileBlock = regexp.MustCompile("(?s)```caddyfile\n(.*?)```")
	relativeLink   = regexp.MustCompile(`\]\(([A-Za-z][\w./-]*)(#[\w-]*)?\)`)
)

// What a reader copies first has to work.
func TestTheCaddyfilesOfTheDocumentsAreValid(t *testing.T) {
	for _, document := range []string{"README.md", "docs/caddyfile.md", "docs/from-azure.md"} {
		blocks := caddyfileBlock.FindAllSubmatch(readDocument(t, document), -1)
		if len(blocks) == 0 {
			t.Errorf("%s has none", document)
		}
		for _, block := range blocks {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			if err := os.WriteFile(file, block[1], 0o600); err != nil {
				t.Fatal(err)
			}
			if err := validate(t, file, "anything"); err != nil {
				t.Errorf("%s: %v\n%s", document, err, block[1])
			}
		}
	}
}

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	found := 0
	for _, document := range []string{
		"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
		"docs/admin-api.md", "docs/caddyfile.md", "docs/from-azure.md", "docs/metrics.md", "docs/problems.md",
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
