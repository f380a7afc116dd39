package custody_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// fill makes a database of n sealed records.
func fill(t *testing.T, path string, key seal.Key, n int) {
	t.Helper()
	s := open(t, path)
	sealer, err := seal.Open(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	must(t, s.Close())
	found, err := bolt.Salvage(t.Context(), path, bolt.Options{})
	must(t, err)
	records := found.Records
	for i := range n {
		value, err := sealer.Seal(seal.Binding{Bucket: connections, ID: id(i), Generation: 1}, fmt.Appendf(nil, "token %d", i))
		must(t, err)
		records = append(records, storage.Record{Key: storage.Key{Bucket: connections, ID: id(i)}, Value: value, Revision: uint64(100 + i)})
	}
	must(t, os.Truncate(path, 0))
	must(t, bolt.Build(path, records))
}

func openEngine(path string, key seal.Key) (*tokenstore.Store, error) {
	backend, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return nil, err
	}
	return tokenstore.Open(context.Background(), tokenstore.Options{Backend: backend, Key: key})
}

func TestALargeDatabaseIsRotatedWhileItIsRead(t *testing.T) {
	records := soaktest.Times(20_000, 1_000_000)
	key, path := newKey(t, 1), filepath.Join(t.TempDir(), "tokens.db")
	fill(t, path, key, records)
	s, err := openEngine(path, key)
	must(t, err)
	defer s.Close(context.Background()) //nolint:errcheck // closed below
	begun := time.Now()
	must(t, s.RotateKey(t.Context()))
	var reads []time.Duration
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.Rotation().Running {
		start := time.Now()
		if _, _, err := s.List(t.Context(), "acme", id(len(reads)*7919%records), 5); err != nil {
			t.Fatal(err)
		}
		reads = append(reads, time.Since(start))
		<-tick.C
	}
	r := s.Rotation()
	if r.Resealed != records || r.OlderKeys != 0 || r.Unreadable != 0 || len(reads) == 0 {
		t.Fatalf("%+v after %d reads", r, len(reads))
	}
	took := time.Since(begun).Round(time.Millisecond)
	slices.Sort(reads)
	t.Logf("%d records were sealed anew in %v; %d reads meanwhile: half within %v, 99 of 100 within %v, the longest %v",
		r.Resealed, took, len(reads), reads[len(reads)/2], reads[len(reads)*99/100], reads[len(reads)-1])
	must(t, s.Close(t.Context()))
	if n := sound(t, path, key); n != records {
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
	const records = 600
	kills := soaktest.Times(25, 1000)
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
		timer := time.NewTimer(time.Duration(n%25) * time.Millisecond)
		<-timer.C
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
		there, keys := soundAndKeys(t, path, key)
		if there != records {
			t.Fatalf("kill %d: records are missing", n)
		}
		if keys > 1 {
			cutShort++
		}
	}
	t.Logf("%d kills, of which %d cut a rotation short; no record was lost", kills, cutShort)
	if cutShort == 0 {
		t.Error("no rotation was cut short, so that this test has shown nothing")
	}
	s, err := openEngine(path, key)
	must(t, err)
	for s.Rotation().Running {
		time.Sleep(time.Millisecond)
	}
	must(t, s.Close(t.Context()))
	if _, keys := soundAndKeys(t, path, key); keys != 1 {
		t.Errorf("%d keys are left", keys)
	}
}
