package durability

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const (
	// healing is how long a store may take to be well again when its disk is.
	healing = 5 * time.Second
	// faultWorkers is how many stores fail at the same time, since most of it is waiting.
	faultWorkers = 10
)

// A disk fails at each change that a refresh makes, and from then on. Meanwhile tokens are
// served, and the authorization server is not called, since an answer could not be kept. When the disk is
// well, so is the store, without a new start.
func TestFailingDisksLoseNoGrant(t *testing.T) {
	var seen faultTally
	var workers sync.WaitGroup
	for n := range faultWorkers {
		// Not with t.Parallel, which lets as many run as there are processors.
		workers.Go(func() { t.Run(fmt.Sprint(n), func(t *testing.T) { failMany(t, &seen, 2*n) }) })
	}
	workers.Wait()
	t.Logf("%s", &seen)
	if n := seen.deepest.Load(); n < 10 {
		t.Errorf("the disk failed at %d changes of a refresh only, so that this test has shown nothing", n)
	}
}

var diskErrors = []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EROFS}

// failMany lets the disk of one writer fail until there are enough of all, at first at the change of that number.
func failMany(t *testing.T, seen *faultTally, first int) {
	t.Helper()
	f := newFaulty(t)
	for _, errno := range diskErrors {
		f.next[errno] = first
	}
	for seen.total.Load() < int64(soaktest.Times(200, 2_000)) && !t.Failed() {
		for _, errno := range diskErrors {
			f.fail(errno, seen)
		}
	}
	f.end()
}

// faultTally counts failures of disks.
type faultTally struct {
	total, before, after, deepest atomic.Int64
	mu                            sync.Mutex
	longest                       time.Duration // guarded by mu
}

// String tells the numbers.
func (s *faultTally) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d failures of the disk, %d before the server was called and %d after, at each of %d changes; healed within %s",
		s.total.Load(), s.before.Load(), s.after.Load(), s.deepest.Load(), s.longest.Round(time.Millisecond))
}

func (s *faultTally) add(at int, called bool, took time.Duration) {
	s.total.Add(1)
	if called {
		s.after.Add(1)
	} else {
		s.before.Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.longest = max(s.longest, took)
	s.deepest.Store(max(s.deepest.Load(), int64(at+1)))
}

// faulty is a writer that runs all the time, on a disk that fails when it is told to.
type faulty struct {
	t      *testing.T
	server *standin.Server
	answer chan string // the notes that answer a step
	writer *program
	stdin  io.WriteCloser
	next   map[syscall.Errno]int

	mu      sync.Mutex
	errno   syscall.Errno // guarded by mu; 0 while the disk is well
	changes int           // guarded by mu; how many still succeed
	failed  bool          // guarded by mu
	calls   int           // guarded by mu; refreshes that the server had seen when it failed
}

var faultyIDs = []tokenstore.ID{{Provider: kindly, Name: "refreshed"}, {Provider: kindly, Name: "other"}}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{t: t, server: newStandin(t, time.Hour), answer: make(chan string, 16), next: make(map[syscall.Errno]int)}
	disk := mount(t, powercut.Options{Before: f.before, OnNote: func(note string) {
		if !strings.HasPrefix(note, "doing ") {
			f.answer <- note
		}
	}})
	f.writer = newProgram(disk.Dir, database, kindly+"="+f.server.OAuthURL())
	stdin, err := f.writer.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	f.stdin = stdin
	if err := f.writer.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.writer.cmd.Process.Kill() // if it has not ended
		_ = f.writer.cmd.Wait()
	})
	f.want("open", f.read())
	for _, id := range faultyIDs {
		step, _ := importStep(t, f.server, id)
		f.want("kept", f.say(step))
	}
	return f
}

func (f *faulty) before(e powercut.Event) syscall.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	opened := e.Kind == powercut.Note
	switch {
	case f.errno == 0:
		return 0
	case opened && (!f.failed || f.errno != syscall.EROFS):
		return 0
	case f.changes > 0:
		f.changes--
		return 0
	case !f.failed:
		f.failed, f.calls = true, f.server.Refreshes()
	}
	return f.errno
}

// fail lets the disk fail at the next change of a refresh, and heal.
func (f *faulty) fail(errno syscall.Errno, seen *faultTally) {
	f.t.Helper()
	at, before := f.next[errno], f.server.Refreshes()
	f.mu.Lock()
	f.errno, f.changes, f.failed = errno, at, false
	f.mu.Unlock()
	note := f.say("refresh " + faultyIDs[0].String())
	f.mu.Lock()
	failed, calls := f.failed, f.calls
	if !failed {
		f.errno = 0
	}
	f.mu.Unlock()
	if !failed { // it made fewer changes
		f.want("kept", note)
		f.next[errno] = 0
		return
	}
	f.next[errno]++
	f.want("failed", note)
	f.checkWhileItFails(calls)
	seen.add(at, calls > before, f.heal())
	if f.t.Failed() {
		f.t.Logf("%v at change %d: %s", errno, at, note)
	}
}

// checkWhileItFails wants tokens to be served, and the server to be left in peace.
func (f *faulty) checkWhileItFails(calls int) {
	f.t.Helper()
	for _, id := range faultyIDs {
		f.want("token", f.say("token "+id.String()))
	}
	f.want("failed", f.say("refresh "+faultyIDs[1].String()))
	for _, id := range faultyIDs {
		f.want("token", f.say("token "+id.String()))
	}
	if n := f.server.Refreshes(); n != calls {
		f.t.Errorf("the server was called %d times while nothing could be written", n-calls)
	}
}

// heal mends the disk and returns how long it took until all could be refreshed and was saved.
func (f *faulty) heal() time.Duration {
	f.t.Helper()
	f.mu.Lock()
	f.errno = 0
	f.mu.Unlock()
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		well := f.say("health") == "health 0"
		for _, id := range faultyIDs {
			well = well && strings.HasPrefix(f.say("refresh "+id.String()), "kept ")
		}
		took := time.Since(began)
		if took > healing {
			f.t.Errorf("%s after the disk is well, the store is not (it is now: %t)", took, well)
		}
		if well || took > 2*healing {
			return took
		}
	}
	return 0
}

// end lets the writer end, and looks whether the server has revoked anything.
func (f *faulty) end() {
	f.t.Helper()
	if err := f.stdin.Close(); err != nil {
		f.t.Error(err)
	}
	f.want("closed", f.read())
	for _, family := range f.server.Families() {
		if family.Revoked {
			f.t.Errorf("a grant was revoked: %s", family.Reason)
		}
	}
}

// say lets the writer do a step and returns its note.
func (f *faulty) say(step string) string {
	f.t.Helper()
	w := bufio.NewWriter(f.stdin)
	_, _ = w.WriteString(step + "\n")
	if err := w.Flush(); err != nil {
		f.t.Fatal(err)
	}
	return f.read()
}

func (f *faulty) read() string {
	f.t.Helper()
	select {
	case note := <-f.answer:
		return note
	case <-time.After(30 * time.Second):
		f.t.Fatalf("the writer does not answer: %s", f.writer.errors.String())
		return ""
	}
}

func (f *faulty) want(verb, note string) {
	f.t.Helper()
	if got, _, _ := strings.Cut(note, " "); got != verb {
		f.t.Errorf("got %q, want it to begin with %q", note, verb)
	}
}
