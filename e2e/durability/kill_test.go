package durability

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
	k := newKiller(t, newDiskStriker(t))
	k.killMany(soaktest.Times(400, 8_000))
	if k.interrupted == 0 {
		t.Error("no kill hit a refresh on its way, so that this test has shown nothing")
	}
}

// The same in a directory of the real file system, where each write, sync, truncation and change of a name is a
// system call.
func TestKillsAtSystemCallsLoseNoGrant(t *testing.T) {
	newKiller(t, newCallStriker(t)).killMany(soaktest.Times(120, 2_000))
}

// killMany kills writers of all kinds in turn until there are enough.
func (k *killer) killMany(enough int) {
	k.t.Helper()
	kills, at, seen := make(map[string]int), make(map[string]moment), make(map[string]map[int]bool)
	for _, kind := range killKinds {
		at[kind], seen[kind] = k.striker.after(kind, moment{}, false), make(map[int]bool)
	}
	total := 0
	for total < enough && !k.t.Failed() {
		for _, kind := range killKinds {
			k.prepare()
			killed := k.kill(kind, at[kind])
			at[kind] = k.striker.after(kind, at[kind], killed)
			if killed {
				seen[kind][k.last.changes] = true
				kills[kind]++
				total++
			}
		}
	}
	k.checkFamilies()
	points := make(map[string]int)
	for _, kind := range killKinds {
		points[kind] = len(seen[kind])
		if points[kind] < 5 {
			k.t.Errorf("%s was killed at %d changes only, so that this test has shown nothing", kind, points[kind])
		}
	}
	k.t.Logf("%d kills (%v), at so many different changes (%v); 0 grants lost but %d of a server without grace, whose answer was cut off",
		total, kills, points, k.interrupted)
}

// grant is what is known of a connection.
type grant struct {
	family     int
	generation int
}

// killer has a database that outlives many writers.
type killer struct {
	t       *testing.T
	striker striker
	servers map[string]*standin.Server

	known       map[tokenstore.ID]grant
	made        int    // connections and files, for their names
	last        struck // what came of the last writer that was to be killed
	interrupted int
}

func newKiller(t *testing.T, s striker) *killer {
	t.Helper()
	k := &killer{t: t, striker: s, known: make(map[tokenstore.ID]grant)}
	k.servers = map[string]*standin.Server{kindly: newStandin(t, time.Hour), strict: newStandin(t, 0)}
	return k
}

// run lets a writer of the file do the steps, and kills it at the moment. Without one it must come to its end. It
// returns its notes.
func (k *killer) run(file string, at moment, steps ...string) (notes []string, killed bool) {
	k.t.Helper()
	p := newProgram(k.striker.dir(), file, kindly+"="+k.servers[kindly].OAuthURL()+","+strict+"="+k.servers[strict].OAuthURL())
	p.steps(steps...)
	s, err := k.striker.strike(p, at)
	if err != nil {
		k.t.Fatalf("%s: %v: %v: %s", file, steps, err, p.errors.String())
	}
	if at != (moment{}) {
		k.last = s
	}
	return s.notes, s.killed
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
	notes, _ := k.run(database, moment{}, steps...)
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
