package durability

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const (
	kindly = "kindly" // a provider whose server still takes the last refresh token for a while
	strict = "strict" // one whose server does not
)

// killKinds are what a writer is killed at. Each begins with opening the database, or making it.
var killKinds = []string{"create", "import", "refresh " + kindly, "refresh " + strict, "rotate", "delete", "backup"}

// A writer is killed before each single change that it makes to the disk, one after the other, of all that it can
// do. Whatever it had promised holds, and the next one goes on.
func TestKillsLoseNoGrant(t *testing.T) {
	k := newKiller(t)
	kills, next := make(map[string]int), make(map[string]int)
	deepest := make(map[string]int)
	for total := 0; total < soaktest.Times(500, 10_000); {
		for _, kind := range killKinds {
			k.prepare()
			if !k.kill(kind, next[kind]) {
				next[kind] = 0 // it has come to its end before
				continue
			}
			next[kind]++
			deepest[kind] = max(deepest[kind], next[kind])
			kills[kind]++
			total++
		}
		if t.Failed() {
			break
		}
	}
	k.checkFamilies()
	total := 0
	for _, n := range kills {
		total += n
	}
	t.Logf("%d kills (%v), at each of so many changes (%v); 0 grants lost but %d of a server without grace, whose answer was cut off",
		total, kills, deepest, k.interrupted)
	for _, kind := range killKinds {
		if deepest[kind] < 5 {
			t.Errorf("%s was killed at %d changes only, so that this test has shown nothing", kind, deepest[kind])
		}
	}
	if k.interrupted == 0 {
		t.Error("no kill hit a refresh on its way, so that this test has shown nothing")
	}
}

// grant is what is known of a connection.
type grant struct {
	family     int
	generation int
}

// killer has a database that outlives many writers.
type killer struct {
	t       *testing.T
	disk    *powercut.Disk
	servers map[string]*standin.Server
	notes   notebook

	known       map[tokenstore.ID]grant
	made        int // connections and files, for their names
	interrupted int

	mu      sync.Mutex
	victim  *os.Process // guarded by mu
	changes int         // guarded by mu; how many it may still make; below zero any
	struck  bool        // guarded by mu
}

func newKiller(t *testing.T) *killer {
	t.Helper()
	k := &killer{t: t, known: make(map[tokenstore.ID]grant), changes: -1}
	k.servers = map[string]*standin.Server{kindly: newStandin(t, time.Hour), strict: newStandin(t, 0)}
	k.disk = mount(t, powercut.Options{Before: k.before, OnNote: k.notes.add})
	return k
}

// before kills the writer when its time has come.
func (k *killer) before(e powercut.Event) syscall.Errno {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case e.Kind == powercut.Note || k.changes < 0:
		return 0
	case k.changes > 0:
		k.changes--
		return 0
	case !k.struck && k.victim != nil:
		k.struck = true
		_ = k.victim.Kill()
	}
	return syscall.EIO // nothing that it did later may count
}

// run lets a writer of the file do the steps, and kills it before it makes another change than the first ones.
// With changes below zero it must come to its end. It returns its notes.
func (k *killer) run(file string, changes int, steps ...string) (notes []string, killed bool) {
	k.t.Helper()
	p := newProgram(k.disk, kindly+"="+k.servers[kindly].OAuthURL()+","+strict+"="+k.servers[strict].OAuthURL())
	p.cmd.Args[2] = filepath.Join(k.disk.Dir, file)
	p.steps(steps...)
	k.mu.Lock()
	k.changes, k.struck = changes, false
	if err := p.cmd.Start(); err != nil {
		k.mu.Unlock()
		k.t.Fatal(err)
	}
	k.victim = p.cmd.Process
	k.mu.Unlock()
	err := p.cmd.Wait()
	k.mu.Lock()
	killed = k.struck
	k.changes, k.victim = -1, nil
	k.mu.Unlock()
	if err != nil && !killed {
		k.t.Fatalf("%s: %v: %v: %s", file, steps, err, p.errors.String())
	}
	return k.notes.take(), killed
}

// prepare makes the connections that the kinds need.
func (k *killer) prepare() {
	k.t.Helper()
	var steps []string
	for _, provider := range []string{kindly, strict} {
		for n := k.count(provider); n < 3; n++ {
			steps = append(steps, k.newConnection(provider))
		}
	}
	if len(steps) == 0 {
		return
	}
	notes, _ := k.run(database, -1, steps...)
	k.learn(notes)
}

func (k *killer) count(provider string) (n int) {
	for id := range k.known {
		if id.Provider == provider {
			n++
		}
	}
	return n
}

// newConnection returns the step that makes a connection.
func (k *killer) newConnection(provider string) string {
	k.t.Helper()
	k.made++
	id := tokenstore.ID{Provider: provider, Name: fmt.Sprintf("c%d", k.made)}
	step, family := importStep(k.t, k.servers[provider], id)
	k.known[id] = grant{family: family}
	return step
}

// any returns a connection of the provider.
func (k *killer) any(provider string) tokenstore.ID {
	for id := range k.known {
		if id.Provider == provider {
			return id
		}
	}
	return tokenstore.ID{}
}

// learn takes in what a writer told, and returns what became of the connections that it was asked about.
func (k *killer) learn(notes []string) (states map[tokenstore.ID]string) {
	k.t.Helper()
	states = make(map[tokenstore.ID]string)
	for _, note := range notes {
		words := append(strings.Fields(note), "", "", "", "", "")
		failed := words[0] == "failed"
		if failed {
			words = words[1:]
		}
		id, err := tokenstore.ParseID(strings.TrimSuffix(words[1], ":"))
		if err != nil {
			continue
		}
		switch {
		case words[0] == "kept":
			g := k.known[id]
			if _, err := fmt.Sscan(words[2], &g.generation); err != nil {
				k.t.Error(err)
			}
			k.known[id] = g
		case words[0] == "gone":
			delete(k.known, id)
		case failed && strings.Contains(note, "not found"):
			states[id] = "not found"
		case failed:
			states[id] = note
		case words[0] == "status":
			states[id] = strings.TrimSpace(words[2] + " " + words[4])
			generation := 0
			if _, err := fmt.Sscan(words[3], &generation); err != nil || generation < k.known[id].generation {
				k.t.Errorf("generation %d was kept, and there is: %s", k.known[id].generation, note)
			}
		}
	}
	return states
}

// checkFamilies fails the test if a server has revoked a grant that is in use.
func (k *killer) checkFamilies() {
	k.t.Helper()
	for id, g := range k.known {
		if f, _ := k.servers[id.Provider].Family(g.family); f.Revoked {
			k.t.Errorf("%s was revoked: %s", id, f.Reason)
		}
	}
}
