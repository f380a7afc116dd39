package powercut_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
)

const cuts = 1000

// images returns what many power cuts after the log leave.
func images(ignoreSyncs bool, log ...powercut.Event) []powercut.Image {
	s := powercut.State{IgnoreSyncs: ignoreSyncs}
	for _, e := range log {
		s.Apply(e)
	}
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]powercut.Image, cuts)
	for i := range all {
		all[i] = s.Cut(random)
	}
	return all
}

func count(all []powercut.Image, is func(powercut.Image) bool) (n int) {
	for _, i := range all {
		if is(i) {
			n++
		}
	}
	return n
}

var (
	sectors = bytes.Repeat([]byte("x"), 4*512)
	named   = powercut.Event{Kind: powercut.Name, File: 1, To: "a"}
	written = powercut.Event{Kind: powercut.Write, File: 1, Data: sectors}
	synced  = powercut.Event{Kind: powercut.Sync, File: 1}
	entered = powercut.Event{Kind: powercut.SyncDir}
)

func TestWhatWasSyncedSurvives(t *testing.T) {
	whole := func(i powercut.Image) bool { return bytes.Equal(i["a"], sectors) }
	if n := count(images(false, named, written, synced, entered), whole); n != cuts {
		t.Errorf("%d of %d images are whole", n, cuts)
	}
	if n := count(images(true, named, written, synced, entered), whole); n == 0 || n == cuts {
		t.Errorf("on a disk that ignores syncs, %d of %d images are whole", n, cuts)
	}
}

func TestWhatWasNotSyncedMaySurviveInPieces(t *testing.T) {
	all := images(false, named, entered, powercut.Event{Kind: powercut.Resize, File: 1, Size: int64(len(sectors))}, synced, written)
	seen := make(map[string]bool)
	for _, i := range all {
		if len(i["a"]) != len(sectors) {
			t.Fatalf("the file has %d bytes", len(i["a"]))
		}
		pieces := ""
		for p := 0; p < len(sectors); p += 512 {
			switch piece := i["a"][p : p+512]; {
			case bytes.Equal(piece, sectors[:512]):
				pieces += "x"
			case bytes.Equal(piece, make([]byte, 512)):
				pieces += "0"
			default:
				t.Fatal("a sector is torn")
			}
		}
		seen[pieces] = true
	}
	if len(seen) != 16 {
		t.Errorf("%d of the 16 ways in which 4 sectors survive were seen", len(seen))
	}
}

func TestANameSurvivesWhenItsDirectoryWasSynced(t *testing.T) {
	there := func(i powercut.Image) bool { _, there := i["a"]; return there }
	if n := count(images(false, named, written, synced), there); n == 0 || n == cuts {
		t.Errorf("without a sync of the directory, the file is there %d of %d times", n, cuts)
	}
	renamed := powercut.Event{Kind: powercut.Rename, File: 1, From: "a", To: "b"}
	all := images(false, named, written, synced, entered, renamed)
	for _, i := range all {
		if len(i) != 1 {
			t.Fatalf("a rename that was cut left %d files", len(i))
		}
	}
	if n := count(all, there); n == 0 || n == cuts {
		t.Errorf("the file has its old name %d of %d times", n, cuts)
	}
}

func TestAFileThatWasCutOffGrowsByZeros(t *testing.T) {
	shrunk, grown := powercut.Event{Kind: powercut.Resize, File: 1, Size: 1}, powercut.Event{Kind: powercut.Resize, File: 1, Size: 3}
	for _, i := range images(false, named, entered, written, shrunk, grown, synced) {
		if want := []byte("x\x00\x00"); !bytes.Equal(i["a"], want) {
			t.Fatalf("got %q, want %q", i["a"], want)
		}
	}
}
