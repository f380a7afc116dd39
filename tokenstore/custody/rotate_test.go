package custody_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// rotateRecords is how many records are rotated at once; give a million to see how long that takes.
var rotateRecords = flag.Int("rotate-records", 20_000, "records of the test of a large rotation")

// fill stores n sealed records, many at a time.
func fill(t *testing.T, path string, key seal.Key, n int) {
	t.Helper()
	s := open(t, path)
	sealer, err := seal.Open(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	slots := make(chan struct{}, 256)
	var writers sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		writers.Go(func() {
			defer func() { <-slots }()
			b := seal.Binding{Bucket: connections, ID: id(i), Generation: 1}
			if _, err := sealer.Put(t.Context(), b, fmt.Appendf(nil, "token %d", i), time.Time{}, 0); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	must(t, s.Close())
}

func openEngine(path string, key seal.Key) (*tokenstore.Store, error) {
	backend, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return nil, err
	}
	return tokenstore.Open(context.Background(), tokenstore.Options{Backend: backend, Key: key})
}

func TestALargeDatabaseIsRotatedWhileItIsRead(t *testing.T) {
	key, path := newKey(t, 1), filepath.Join(t.TempDir(), "tokens.db")
	fill(t, path, key, *rotateRecords)
	s, err := openEngine(path, key)
	must(t, err)
	defer s.Close(context.Background()) //nolint:errcheck // closed below
	begun := time.Now()
	must(t, s.RotateKey(t.Context()))
	reads, longest := 0, time.Duration(0)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.Rotation().Running {
		start := time.Now()
		if _, _, err := s.List(t.Context(), "acme", id(reads%*rotateRecords), 5); err != nil {
			t.Fatal(err)
		}
		reads, longest = reads+1, max(longest, time.Since(start))
		<-tick.C
	}
	r := s.Rotation()
	t.Logf("%d records in %v; %d reads meanwhile, the longest %v", r.Resealed, time.Since(begun), reads, longest)
	if r.Resealed != *rotateRecords || r.OlderKeys != 0 || r.Unreadable != 0 || reads == 0 {
		t.Errorf("%+v after %d reads", r, reads)
	}
	must(t, s.Close(t.Context()))
	if n := sound(t, path, key); n != *rotateRecords {
		t.Errorf("%d records", n)
	}
}

// childRotate rotates the key again and again until it is killed.
func childRotate(path string, key seal.Key) {
	s, err := openEngine(path, key)
	for ; err == nil; err = s.RotateKey(context.Background()) {
		fmt.Println("rotating")
		for s.Rotation().Running {
			time.Sleep(time.Millisecond)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestARotationMayBeKilledAtAnyTime(t *testing.T) {
	const records, kills = 600, 25
	key, path := newKey(t, 1), filepath.Join(t.TempDir(), "tokens.db")
	fill(t, path, key, records)
	self, err := os.Executable()
	must(t, err)
	cutShort := 0
	for n := range kills {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), childDatabase+"="+path)
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewReader(stdout)
		for range 2 { // what was cut short before, then a rotation of its own
			_, err = lines.ReadString('\n')
			must(t, err)
		}
		timer := time.NewTimer(time.Duration(n) * time.Millisecond)
		<-timer.C
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
		if sound(t, path, key) != records {
			t.Fatalf("kill %d: records are missing", n)
		}
		if keysOf(t, path, key) > 1 {
			cutShort++
		}
	}
	t.Logf("%d of %d rotations were cut short", cutShort, kills)
	if cutShort == 0 {
		t.Error("no rotation was cut short, so that this test has shown nothing")
	}
	s, err := openEngine(path, key)
	must(t, err)
	for s.Rotation().Running {
		time.Sleep(time.Millisecond)
	}
	must(t, s.Close(t.Context()))
	if n := keysOf(t, path, key); n != 1 {
		t.Errorf("%d keys are left", n)
	}
}

func keysOf(t *testing.T, path string, key seal.Key) int {
	t.Helper()
	s := open(t, path)
	defer s.Close() //nolint:errcheck // only read
	sealer, err := seal.OpenExisting(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	return sealer.Keys()
}
