package custody_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// page is how large bbolt's pages are here.
var page = os.Getpagesize()

// newWorn makes a database whose free pages have a deleted record, older states of a record, and the keyset
// as it is sealed with the key. It returns the values that are there no more.
func newWorn(t *testing.T, key seal.Key) (path string, former [][]byte) {
	t.Helper()
	path = newDatabase(t, key, 300)
	s := open(t, path)
	sealer, err := seal.OpenExisting(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	for i := range 6 {
		r, err := s.Get(t.Context(), storage.Key{Bucket: connections, ID: id(50 * i)})
		must(t, err)
		former = append(former, r.Value)
		if i%2 == 0 {
			must(t, s.Delete(t.Context(), r.Key, r.Revision))
			continue
		}
		r.Value, err = sealer.Seal(seal.Binding{Bucket: connections, ID: r.Key.ID, Generation: 2}, []byte("the next token"))
		must(t, err)
		_, err = s.Put(t.Context(), r)
		must(t, err)
	}
	must(t, s.Close())
	if whole := read(t, path); traces(whole, former) == 0 {
		t.Fatal("no free page has anything, so that this shows nothing")
	}
	return path, former
}

func traces(file []byte, values [][]byte) (n int) {
	for _, v := range values {
		if bytes.Contains(file, v) {
			n++
		}
	}
	return n
}

func storedKeyset(t *testing.T, path string) []byte {
	t.Helper()
	s := open(t, path)
	r, err := s.Get(t.Context(), storage.Key{Bucket: seal.MetaBucket, ID: seal.KeysetID})
	must(t, err)
	must(t, s.Close())
	return r.Value
}

func TestNothingOfFormerRecordsIsInWhatIsWritten(t *testing.T) {
	key, next := newKey(t, 1), newKey(t, 2)
	path, former := newWorn(t, key)
	saved := filepath.Join(t.TempDir(), "backup.db")
	_, err := custody.SaveOffline(t.Context(), path, saved, nil)
	must(t, err)
	restored := filepath.Join(t.TempDir(), "tokens.db")
	_, err = custody.Restore{Backup: path, Database: restored, Key: key, Now: now}.Run(t.Context())
	must(t, err)
	recovered := recovery(t, path, key)
	_, err = recovered.Run(t.Context())
	must(t, err)
	changed := slices.Concat(former, [][]byte{storedKeyset(t, path)})
	must(t, custody.ChangeKey(t.Context(), path, key, next))
	for name, tt := range map[string]struct {
		path   string
		key    seal.Key
		former [][]byte
	}{
		"a backup":                    {saved, key, former},
		"a restored database":         {restored, key, former},
		"a recovered database":        {recovered.Into, key, former},
		"a database with another key": {path, next, changed},
	} {
		if n := traces(read(t, tt.path), tt.former); n > 0 {
			t.Errorf("%s has %d values that were replaced or deleted", name, n)
		}
		if n := sound(t, tt.path, tt.key); n != 297 {
			t.Errorf("%s has %d records", name, n)
		}
	}
	wantOnly(t, filepath.Dir(path), "tokens.db")
}

// Lowering the count in a leaf makes records vanish, or entries of the due index, and each page looks sound.
func TestABackupThatLostRecordsIsNotRestored(t *testing.T) {
	const records = 300
	key, saved := newKey(t, 1), filepath.Join(t.TempDir(), "backup.db")
	_, err := custody.SaveOffline(t.Context(), newDatabase(t, key, records), saved, nil)
	must(t, err)
	whole, tried, refused := read(t, saved), 0, 0
	for at := 2 * page; at < len(whole); at += page {
		count := binary.NativeEndian.Uint16(whole[at+10:])
		if binary.NativeEndian.Uint16(whole[at+8:]) != 2 || count < 8 {
			continue // not a leaf
		}
		tried++
		b := bytes.Clone(whole)
		binary.NativeEndian.PutUint16(b[at+10:], count-2)
		backup, path := filepath.Join(t.TempDir(), "backup.db"), filepath.Join(t.TempDir(), "tokens.db")
		must(t, os.WriteFile(backup, b, 0o600))
		if _, err := (custody.Restore{Backup: backup, Database: path, Key: key, Now: now}).Run(t.Context()); err != nil {
			if !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("page %d: %v", at/page, err)
			}
			wantOnly(t, filepath.Dir(path))
			refused++
			continue
		}
		s := open(t, path)
		due, err := s.Due(t.Context(), connections, now.Add(time.Hour), storage.Due{}, 2*records)
		must(t, errors.Join(err, s.Close()))
		if n := sound(t, path, key); n != records || len(due) != records {
			t.Errorf("page %d: %d records and %d due, and nothing is said", at/page, n, len(due))
		}
	}
	if refused == 0 || refused == tried {
		t.Errorf("%d of %d were refused; leaves of records, and of the due index, are both to be among them", refused, tried)
	}
}

// A backup may be used as a database, and then is one.
func TestABackupThatWasWrittenToIsRestored(t *testing.T) {
	key, saved := newKey(t, 1), filepath.Join(t.TempDir(), "backup.db")
	_, err := custody.SaveOffline(t.Context(), newDatabase(t, key, 10), saved, nil)
	must(t, err)
	s := open(t, saved)
	sealer, err := seal.OpenExisting(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	putSealed(t, s, sealer, 99, "new")
	must(t, s.Close())
	done, err := custody.Restore{Backup: saved, Database: filepath.Join(t.TempDir(), "tokens.db"), Key: key, Now: now}.Run(t.Context())
	if err != nil || done.Records != 11+keysets {
		t.Errorf("%d records: %v", done.Records, err)
	}
}

// A page of an earlier state may lead elsewhere, and is sound by itself. It costs no keyset, and no record but those of the page that
// was in its place.
func TestNoPageOfAnEarlierStateLosesWhatOthersHave(t *testing.T) {
	key := newKey(t, 1)
	l := newLife(t, key)
	tried, told, saved := 0, 0, 0
	for at := 0; at+page <= len(l.earlier); at += page {
		damaged := bytes.Clone(l.whole)
		copy(damaged[at:], l.earlier[at:at+page])
		if bytes.Equal(damaged, l.whole) {
			continue
		}
		u := use{File: filepath.Join(t.TempDir(), "tokens.db")}
		must(t, os.WriteFile(u.File, damaged, 0o600))
		u.recover(u.File, key, l.history)
		if u.Nothing || u.Untold || len(u.Wrong) > 0 {
			t.Errorf("page %d: nothing was recovered: %t; something is missing or older, and that is not told: %t; %v", at/page, u.Nothing, u.Untold, u.Wrong)
		}
		if lost := len(l.Now) - u.Recovered; lost > 20 {
			t.Errorf("page %d: %d of %d are lost", at/page, lost, len(l.Now))
		}
		tried, told, saved = tried+1, told+one(u.Told), saved+u.Recovered
	}
	t.Logf("%d pages; %d of %d connections were saved as they were; of %d files it is told that something is missing or older", tried, saved, tried*len(l.Now), told)
	if told == 0 || told == tried {
		t.Error("the pages are not what they should be")
	}
}
