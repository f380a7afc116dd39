package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

const (
	corruptRecords = 400
	pageSize       = 4096
)

func corruptID(i int) string { return fmt.Sprintf("connection-%04d", i) }

func corruptValue(id string) []byte { return bytes.Repeat([]byte(id+"|"), 20) }

// damages are ways in which disks, file systems and people ruin files.
var damages = []struct {
	name string
	do   func(r *rand.Rand, b []byte) []byte
}{
	{"one byte", func(r *rand.Rand, b []byte) []byte { b[r.IntN(len(b))] ^= byte(1 + r.IntN(255)); return b }},
	{"one byte in the head of a page", func(r *rand.Rand, b []byte) []byte {
		b[r.IntN(len(b)/pageSize)*pageSize+r.IntN(64)] ^= byte(1 + r.IntN(255))
		return b
	}},
	{"one page of zeros", func(r *rand.Rand, b []byte) []byte {
		clear(b[r.IntN(len(b)/pageSize)*pageSize:][:pageSize])
		return b
	}},
	{"one page of noise", func(r *rand.Rand, b []byte) []byte {
		page := b[r.IntN(len(b)/pageSize)*pageSize:][:pageSize]
		for i := range page {
			page[i] = byte(r.Uint32())
		}
		return b
	}},
	{"two pages swapped", func(r *rand.Rand, b []byte) []byte {
		x, y := b[r.IntN(len(b)/pageSize)*pageSize:][:pageSize], b[r.IntN(len(b)/pageSize)*pageSize:][:pageSize]
		z := bytes.Clone(x)
		copy(x, y)
		copy(y, z)
		return b
	}},
	{"cut off", func(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] }},
	{"both meta pages of noise", func(r *rand.Rand, b []byte) []byte {
		for i := range b[:2*pageSize] {
			b[i] = byte(r.Uint32())
		}
		return b
	}},
}

// TestDamagedFileEndsNoProcess damages a file in many ways. Another process must
// live through all of them, and see only values that were put.
func TestDamagedFileEndsNoProcess(t *testing.T) {
	path := newPath(t)
	whole := corruptibleFile(t, path)
	const each = 60
	dir := t.TempDir()
	var files []string
	for _, d := range damages {
		for seed := range uint64(each) {
			r := rand.New(rand.NewPCG(seed, uint64(len(d.name))))
			name := filepath.Join(dir, fmt.Sprintf("%s %d.db", d.name, seed))
			if err := os.WriteFile(name, d.do(r, bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, name)
		}
	}
	out, err := child(t, "survive", files...).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		t.Fatalf("child ended with %v after:\n%s", err, lines[len(lines)-1])
	}
	if len(lines) != len(files) {
		t.Errorf("child reported %d of %d files", len(lines), len(files))
	}
	noticed := 0
	for _, line := range lines {
		if strings.HasSuffix(line, "damaged") {
			noticed++
		}
	}
	t.Logf("damage was noticed in %d of %d files; in the others it hit nothing that is used", noticed, len(files))
	if noticed < len(files)/2 {
		t.Error("that is too few")
	}
}

func corruptibleFile(t *testing.T, path string) []byte {
	t.Helper()
	s := mustOpen(t, path)
	// One by one, so that the file is the same in each run.
	for i := range corruptRecords {
		id := corruptID(i)
		put(t, s, storage.Record{
			Key: storage.Key{Bucket: "b", ID: id}, Value: corruptValue(id), Due: time.Unix(int64(i), 0),
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// childSurvive uses each file and prints whether it noticed damage. It exits with
// an error if it saw a value that was never put, or waited for ever.
func childSurvive(files []string) {
	for _, file := range files {
		fmt.Print(filepath.Base(file), ": ") // before, to tell which one ended the process
		ctx, cancel := context.WithTimeout(bg, time.Minute)
		watchdog := context.AfterFunc(ctx, func() { panic("waited for ever: " + file) })
		switch err := useDamaged(ctx, file); {
		case err == nil:
			fmt.Println("whole")
		case errors.Is(err, storage.ErrDamaged), errors.Is(err, storage.ErrUnavailable), errors.Is(err, bolt.ErrNewerFormat):
			fmt.Println("damaged")
		default:
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
			os.Exit(1)
		}
		watchdog()
		cancel()
	}
}

// useDamaged reads all records and writes some. It returns one of the errors that
// it met.
func useDamaged(ctx context.Context, file string) (problem error) {
	s, err := bolt.Open(file, bolt.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if err := s.Close(); err != nil {
			problem = fmt.Errorf("%w: close: %w", storage.ErrDamaged, err)
		}
	}()
	note := func(err error) {
		if err != nil && !errors.Is(err, context.Canceled) {
			problem = err
		}
	}
	list, err := s.List(ctx, "b", "", "", 2*corruptRecords)
	note(err)
	_, err = s.Due(ctx, "b", time.Now(), storage.Due{}, 2*corruptRecords)
	note(err)
	for _, r := range list {
		if r.Value == nil {
			note(storage.ErrDamaged)
		} else if !bytes.Equal(r.Value, corruptValue(r.Key.ID)) {
			return fmt.Errorf("wrong value of %q", r.Key.ID)
		}
	}
	for i := range corruptRecords {
		id := corruptID(i)
		r, err := s.Get(ctx, storage.Key{Bucket: "b", ID: id})
		switch {
		case errors.Is(err, storage.ErrNotFound):
			note(fmt.Errorf("%w: %w", storage.ErrDamaged, err))
			continue
		case err != nil:
			note(err)
			continue
		case !bytes.Equal(r.Value, corruptValue(id)):
			return fmt.Errorf("wrong value of %q", id)
		}
		if i%100 == 0 {
			r.Due = r.Due.Add(time.Hour)
			_, err := s.Put(ctx, r)
			note(err)
		}
	}
	return problem
}
