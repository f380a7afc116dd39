package custody_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// wantOnly fails if there is anything else in the directory.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the directory has %q, want %q", got, names)
	}
}

func TestABackupOfARunningDatabaseHasAllRecords(t *testing.T) {
	key := newKey(t, 1)
	s := open(t, newDatabase(t, key, 100))
	snapshot, err := s.Snapshot(t.Context())
	must(t, err)
	defer snapshot.Close()
	path := filepath.Join(t.TempDir(), "backup.db")
	var told []int64
	made, err := custody.Save(t.Context(), path, snapshot, func(done, total int64) { told = append(told, done, total) })
	must(t, err)
	if want := (storage.Content{Records: 100 + keysets}); made.Content != want || made.Path != path || made.Fingerprint != key.Fingerprint() {
		t.Errorf("got %+v", made)
	}
	if n := len(told); n == 0 || told[n-2] != made.Size || told[n-1] != made.Size {
		t.Errorf("progress ends with %v, want %d twice", told, made.Size)
	}
	if n := sound(t, path, key); n != 100 {
		t.Errorf("the backup has %d records", n)
	}
	wantOnly(t, filepath.Dir(path), "backup.db")
}

func TestWhatIsNoWholeBackupIsNotKept(t *testing.T) {
	database := newDatabase(t, newKey(t, 1), 10)
	whole, err := os.ReadFile(database)
	must(t, err)
	tests := map[string]struct {
		change func(*storage.Snapshot, []byte) []byte
		want   error
	}{
		"it is cut short":            {func(_ *storage.Snapshot, b []byte) []byte { return b[:len(b)-1] }, custody.ErrIncomplete},
		"it has more than it should": {func(_ *storage.Snapshot, b []byte) []byte { return append(b, 0) }, custody.ErrIncomplete},
		"a bit is flipped":           {func(_ *storage.Snapshot, b []byte) []byte { b[len(b)/2] ^= 1; return b }, custody.ErrIncomplete},
		"there are fewer records": {func(s *storage.Snapshot, b []byte) []byte {
			s.Content.Records++
			return b
		}, custody.ErrIncomplete},
		"it is of something else": {func(s *storage.Snapshot, _ []byte) []byte {
			other := sum("another file")
			s.Size, s.SHA256 = int64(len("another file")), other
			return []byte("another file")
		}, storage.ErrDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &storage.Snapshot{Size: int64(len(whole)), SHA256: sum(string(whole)), Content: storage.Content{Records: 10 + keysets}}
			s.ReadCloser = io.NopCloser(bytes.NewReader(tt.change(s, bytes.Clone(whole))))
			path := filepath.Join(t.TempDir(), "backup.db")
			if _, err := custody.Save(t.Context(), path, s, nil); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			wantOnly(t, filepath.Dir(path))
		})
	}
}

func TestABackupOverwritesNothing(t *testing.T) {
	database := newDatabase(t, newKey(t, 1), 1)
	path := filepath.Join(t.TempDir(), "backup.db")
	must(t, os.WriteFile(path, []byte("precious"), 0o600))
	if _, err := custody.SaveOffline(t.Context(), database, path, nil); !errors.Is(err, custody.ErrExists) {
		t.Errorf("got error %v, want ErrExists", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file is now %q, %v", b, err)
	}
	wantOnly(t, filepath.Dir(path), "backup.db")
}

func TestABackupThatIsGivenUpLeavesNothing(t *testing.T) {
	database := newDatabase(t, newKey(t, 1), 1)
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "backup.db")
	s := open(t, database)
	snapshot, err := s.Snapshot(ctx)
	must(t, err)
	defer snapshot.Close()
	cancel()
	if _, err := custody.Save(ctx, path, snapshot, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	wantOnly(t, filepath.Dir(path))
}

func TestOfflineWorkRefusesADatabaseThatIsOpenOrNotThere(t *testing.T) {
	key := newKey(t, 1)
	database := newDatabase(t, key, 1)
	other := newDatabase(t, key, 1)
	target := filepath.Join(t.TempDir(), "x.db")
	missing := filepath.Join(t.TempDir(), "missing.db")
	if _, err := custody.SaveOffline(t.Context(), missing, target, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("backup of a missing database: %v", err)
	}
	if _, err := (custody.Restore{Backup: missing, Database: target, Key: key, Now: now}).Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("restore of a missing backup: %v", err)
	}
	wantOnly(t, filepath.Dir(missing))
	open(t, database)
	if _, err := custody.SaveOffline(t.Context(), database, target, nil); !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), database) {
		t.Errorf("backup: %v", err)
	}
	_, err := custody.Restore{Backup: other, Database: database, Key: key, Replace: true, Now: now}.Run(t.Context())
	if !errors.Is(err, storage.ErrLocked) || !strings.Contains(err.Error(), database) {
		t.Errorf("restore: %v", err)
	}
	wantOnly(t, filepath.Dir(target))
	wantOnly(t, filepath.Dir(database), "tokens.db")
}

func TestABackupOfAServerThatStallsCanBeGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	path := filepath.Join(t.TempDir(), "backup.db")
	go func() {
		_, _ = w.Write([]byte("the begin")) // and nothing else
		cancel()
	}()
	if _, err := custody.Save(ctx, path, &storage.Snapshot{ReadCloser: r, Size: 1 << 20}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	wantOnly(t, filepath.Dir(path))
}
