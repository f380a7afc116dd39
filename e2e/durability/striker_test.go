package durability

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
)

// striker runs writers, and kills them at a moment.
type striker interface {
	// dir is where the files of the writers are.
	dir() string
	// strike runs the program and kills it at the moment, or never if that is zero. It returns an error if the
	// program has ended badly by itself.
	strike(*program, moment) (struck, error)
	// after returns what to try next with programs of the kind, after a moment at which the last of all was killed, or which did
	// not come. The zero moment is before the first of that kind.
	after(kind string, m moment, killed bool) moment
}

// moment is before a change that a writer makes.
type moment struct {
	call string // the system call, of which each thread counts its own; if empty, any change of the disk
	n    int    // the first is 1
}

func (m moment) String() string {
	if m.call == "" {
		return fmt.Sprintf("change %d", m.n)
	}
	return fmt.Sprintf("%s %d of a thread", m.call, m.n)
}

// struck is what came of a writer.
type struck struct {
	notes   []string
	killed  bool
	changes int // that it had made, if it was killed
}

// diskStriker kills those on a disk of package powercut, where each change waits for it.
type diskStriker struct {
	disk  *powercut.Disk
	notes notebook

	mu     sync.Mutex
	victim *os.Process // guarded by mu
	left   int         // guarded by mu; how many changes there are up to the fatal one; 0 if none is
	struck bool        // guarded by mu
}

func newDiskStriker(t *testing.T) *diskStriker {
	t.Helper()
	s := new(diskStriker)
	s.disk = mount(t, powercut.Options{Before: s.before, OnNote: s.notes.add})
	return s
}

func (s *diskStriker) dir() string { return s.disk.Dir }

func (s *diskStriker) after(_ string, m moment, killed bool) moment {
	if killed {
		return moment{n: m.n + 1}
	}
	return moment{n: 1}
}

// before kills the writer when its time has come.
func (s *diskStriker) before(e powercut.Event) syscall.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Kind == powercut.Note || s.left == 0:
		return 0
	case s.left > 1:
		s.left--
		return 0
	case !s.struck && s.victim != nil:
		s.struck = true
		_ = s.victim.Kill()
	}
	return syscall.EIO // nothing that it did later may count
}

func (s *diskStriker) strike(p *program, at moment) (struck, error) {
	s.mu.Lock()
	s.left, s.struck = at.n, false
	if err := p.cmd.Start(); err != nil {
		s.mu.Unlock()
		return struck{}, err
	}
	s.victim = p.cmd.Process
	s.mu.Unlock()
	err := p.cmd.Wait()
	s.mu.Lock()
	killed := s.struck
	s.left, s.victim = 0, nil
	s.mu.Unlock()
	if killed {
		err = nil
	}
	return struck{s.notes.take(), killed, at.n - 1}, err
}
