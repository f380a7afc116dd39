package durability

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
)

// fatalCalls are the system calls by which a writer changes a file. What it tells goes through write too, and a kill
// between a change and the note of it is worth as much as any other.
var fatalCalls = []string{"pwrite64", "fdatasync", "fsync", "ftruncate", "write", "linkat", "unlinkat"}

// callStriker kills writers in a directory of a real file system, at the entry of a system call, by strace.
//
// strace counts the calls of each thread for itself, and goroutines move from one to another. So the same moment
// comes earlier or later, or not at all, and one in a thread that took over late is seldom reached. The writer has one processor
// and collects no garbage, so that few threads share its work. Moments are taken at random from the log of a writer that came to its end.
type callStriker struct {
	folder, log string
	plan        map[string][]moment // what is still to be tried, by the kind
}

func newCallStriker(t *testing.T) *callStriker {
	t.Helper()
	if out, err := exec.Command("strace", "-f", "-qq", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true forbids to skip this test: strace: %v: %s", err, out)
		}
		t.Skipf("SKIPPED: needs strace: %v: %s", err, out)
	}
	return &callStriker{folder: t.TempDir(), log: filepath.Join(t.TempDir(), "log"), plan: make(map[string][]moment)}
}

func (s *callStriker) dir() string { return s.folder }

func (s *callStriker) after(kind string, m moment, killed bool) moment {
	if m != (moment{}) && !killed {
		s.plan[kind] = s.moments()
	}
	if len(s.plan[kind]) == 0 {
		return moment{fatalCalls[0], 1 << 15} // which never comes
	}
	next := s.plan[kind][0]
	s.plan[kind] = s.plan[kind][1:]
	return next
}

// moments returns those of the last writer, from its first change on, in random order.
func (s *callStriker) moments() (all []moment) {
	counts, changed := make(map[string]int), false
	for _, c := range s.calls() {
		counts[c.thread+c.name]++
		changed = changed || c.change
		if m := (moment{c.name, counts[c.thread+c.name]}); changed && !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (s *callStriker) strike(p *program, at moment) (struck, error) {
	if at != (moment{}) {
		if err := s.trace(p.cmd, at); err != nil {
			return struck{}, err
		}
	}
	err := p.cmd.Run()
	killed := at != moment{} && wasKilled(err)
	if err != nil && !killed {
		return struck{}, err
	}
	notes, err := s.takeNotes()
	if err != nil || !killed {
		return struck{notes: notes}, err
	}
	changes := 0
	for _, c := range s.calls() {
		if c.change && c.done {
			changes++
		}
	}
	return struck{notes, true, changes}, nil
}

// trace makes cmd run under strace, which ends as the command does. Not with its --seccomp-bpf, under which the signal
// never comes.
func (s *callStriker) trace(cmd *exec.Cmd, at moment) error {
	path, err := exec.LookPath("strace")
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off")
	cmd.Path, cmd.Args = path, append([]string{"strace", "-f", "-qq", "-y", "-o", s.log,
		"-e", "trace=" + strings.Join(fatalCalls, ","), "-e", "signal=none",
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", at.call, at.n)}, cmd.Args...)
	return nil
}

func wasKilled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// takeNotes returns the notes since it was last called.
func (s *callStriker) takeNotes() ([]string, error) {
	path := filepath.Join(s.folder, powercut.Notes)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) { // killed before it made the file
		return nil, nil
	}
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"), os.Truncate(path, 0)
}

// tracedCall is a line of the log.
type tracedCall struct {
	thread, name string
	change       bool // of a file of the writer, other than its notes
	done         bool
}

// calls reads the log of the last writer that was to be killed.
func (s *callStriker) calls() (all []tracedCall) {
	log, err := os.ReadFile(s.log)
	if err != nil { // it was killed before there was one
		return nil
	}
	for line := range strings.Lines(string(log)) {
		head, _, _ := strings.Cut(line, "(")
		thread, name, _ := strings.Cut(head, " ")
		name = strings.TrimSpace(name)
		if !slices.Contains(fatalCalls, name) { // but the second half of a call
			continue
		}
		of := func(path string) bool { return strings.Contains(line, "<"+path) || strings.Contains(line, `"`+path) }
		all = append(all, tracedCall{
			thread: thread, name: name,
			change: of(s.folder) && !of(filepath.Join(s.folder, powercut.Notes)),
			done:   !strings.HasSuffix(line, "= ?\n"),
		})
	}
	return all
}
