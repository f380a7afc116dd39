package durability

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest"
)

// writerBinary is the program under test, built once for all tests.
var writerBinary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "durability")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	writerBinary = filepath.Join(dir, "writer")
	build := exec.Command("go", "build", "-o", writerBinary, "./writer")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the writer:", err)
		return 1
	}
	return leaktest.Run(m)
}

// mount mounts a disk until the test ends. It skips the test where that cannot be done, and
// fails it where nobody reads the list of skipped tests.
func mount(t *testing.T, o powercut.Options) *powercut.Disk {
	t.Helper()
	d, err := powercut.Mount(t.TempDir(), o)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true forbids to skip this test: mounting through FUSE, as root: %v", err)
		}
		t.Skipf("SKIPPED: needs to mount through FUSE, as root: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// program is a writer at work.
type program struct {
	cmd    *exec.Cmd
	errors bytes.Buffer
}

// newProgram prepares a writer with its database and its notes in the directory, which may be a disk.
func newProgram(dir, database, providers string) *program {
	p := &program{cmd: exec.Command(writerBinary,
		"-db", filepath.Join(dir, database), "-notes", filepath.Join(dir, powercut.Notes), "-providers", providers)}
	p.cmd.Stderr = &p.errors
	return p
}

// steps says what the program is to do.
func (p *program) steps(steps ...string) {
	var lines strings.Builder
	for _, step := range steps {
		lines.WriteString(step + "\n")
	}
	p.cmd.Stdin = strings.NewReader(lines.String())
}

// run does the steps until the program ends, and returns why it failed.
func (p *program) run(steps ...string) error {
	p.steps(steps...)
	if err := p.cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, p.errors.String())
	}
	return nil
}

const database = "tokens.db"

// notebook takes in what a program notes.
type notebook struct {
	mu    sync.Mutex
	notes []string
}

func (n *notebook) add(note string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, note)
}

// take returns the notes since the last take.
func (n *notebook) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	notes := n.notes
	n.notes = nil
	return notes
}
