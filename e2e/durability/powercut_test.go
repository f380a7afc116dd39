package durability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
)

const (
	cutConnections = 6
	// imagesOfALog is how many power cuts are made of one run of the writer. After that many, a new run tells more.
	imagesOfALog = 500
	// controls is how many power cuts there are on a disk that ignores syncs.
	controls = 40
)

// However much of what was not synced a power cut leaves, what was acknowledged is there.
func TestPowerCutsLoseNoGrant(t *testing.T) {
	server := newAuthority(t).URL
	images, lost := 0, 0
	var writes, syncs int
	for images < soaktest.Times(500, 10_000) {
		log := record(t, server, cutSteps)
		for _, e := range log {
			switch e.Kind {
			case powercut.Write:
				writes++
			case powercut.Sync, powercut.SyncDir:
				syncs++
			}
		}
		n, broken := cut(t, log, server, imagesOfALog, false)
		images += n
		for _, err := range broken {
			t.Error(err)
		}
		lost += len(broken)
	}
	t.Logf("%d power cuts in %d writes and %d syncs: %d broke a promise", images, writes, syncs, lost)
}

// Without syncs, the same power cuts lose grants: the test above can fail.
func TestPowerCutsWithoutSyncsLoseGrants(t *testing.T) {
	server := newAuthority(t).URL
	log := record(t, server, cutSteps)
	n, broken := cut(t, log, server, controls, true)
	t.Logf("%d power cuts without syncs: %d broke a promise", n, len(broken))
	if len(broken) == 0 {
		t.Error("nothing was lost without syncs, so that the test with them shows nothing")
	}
}

// A power cut while the database is made leaves one that can be used, or none.
func TestPowerCutsWhileTheDatabaseIsMade(t *testing.T) {
	server := newAuthority(t).URL
	log := record(t, server, func(string) []string { return nil })
	n, broken := cut(t, log, server, soaktest.Times(200, 1_000), false)
	for _, err := range broken {
		t.Error(err)
	}
	t.Logf("%d power cuts while the database was made: %d left an unusable one", n, len(broken))
}

// cutSteps is what a writer with a database at dir does before the power is cut.
func cutSteps(dir string) []string {
	id := func(i int) string { return fmt.Sprintf("demo/c%d", i) }
	imported := func(i int) string { return fmt.Sprintf("import %s a.c%d.1 r.c%[2]d.1", id(i), i) }
	var steps []string
	for i := range cutConnections {
		steps = append(steps, imported(i))
	}
	for round := range 3 {
		for i := range cutConnections {
			steps = append(steps, "refresh "+id(i))
		}
		steps = append(steps,
			"rotate",
			"delete "+id(round),
			"backup "+filepath.Join(dir, fmt.Sprintf("backup-%d", round)),
			"refresh "+id(cutConnections-1),
			imported(round),
		)
	}
	return steps
}

// record runs a writer to its end and returns what became of its disk.
func record(t *testing.T, server string, steps func(dir string) []string) powercut.Log {
	t.Helper()
	d := mount(t, powercut.Options{Record: true})
	if err := newProgram(d.Dir, database, "demo="+server).run(steps(d.Dir)...); err != nil {
		t.Fatal(err)
	}
	return d.Log()
}

// cut cuts the power n times, at random moments of the log, and returns the promises that were broken.
func cut(t *testing.T, log powercut.Log, server string, n int, ignoreSyncs bool) (cuts int, broken []error) {
	t.Helper()
	moments := make([]int, n)
	for i := range moments {
		moments[i] = rand.IntN(len(log) + 1)
	}
	slices.Sort(moments)
	state, promises := powercut.State{IgnoreSyncs: ignoreSyncs}, newPromised()
	for at := 0; ; at++ {
		for ; len(moments) > 0 && moments[0] == at; moments = moments[1:] {
			cuts++
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, seed))
			if err := checkImage(t.Context(), state.Cut(random), promises, server, random); err != nil {
				broken = append(broken, fmt.Errorf("power cut before event %d of %d: %w", at, len(log), err))
			}
		}
		if at == len(log) {
			return cuts, broken
		}
		state.Apply(log[at])
		if log[at].Kind != powercut.Note {
			continue
		}
		if err := promises.add(log[at].To); err != nil {
			t.Fatal(err)
		}
	}
}

// checkImage opens what is on a disk after a power cut. It is kept in memory if that goes: where nothing else can happen to
// it, syncs only cost time, and most of all.
func checkImage(ctx context.Context, image powercut.Image, promises *promised, server string, random *rand.Rand) error {
	dir, err := os.MkdirTemp("/dev/shm", "image")
	if err != nil {
		dir, err = os.MkdirTemp("", "image")
	}
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // only room is lost
	if err := image.Save(dir); err != nil {
		return err
	}
	return promises.check(ctx, dir, server, random)
}
