package custody

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// Restore is what is to be restored.
type Restore struct {
	Backup   string   // the file of the backup, which stays as it is
	Database string   // where it is to be
	Key      seal.Key // that opens the backup
	// Replace allows that there is a database, which is kept under another name.
	Replace  bool
	Now      time.Time // for that name, and for the mark that the database was restored
	Progress Progress  // may be nil
}

// Restored is a database that was restored.
type Restored struct {
	Path    string // absolute
	Records int
	// Aside is where the former database is now, empty if there was none.
	Aside string
	// Returned are the records that the former database does not have, as far as it can be read: what was deleted or revoked
	// since the backup was made is back.
	Returned []storage.Key
}

// Run puts the records of the backup into a new file in the place of the database. Before anything is there, every record of
// the backup was opened with the key, and all that were written into the backup were found. The database is marked as restored, so that a connection whose grant was
// renewed after the backup was made can say why it needs consent.
//
// The error wraps ErrExists if there is a database and Replace is not set, storage.ErrLocked if a store has it
// or the backup open, seal.ErrWrongKey or seal.ErrKeysetMissing, ErrUnsound if there are records that
// cannot be opened, and what [bolt.Open] returns. Nothing has changed then.
func (r Restore) Run(ctx context.Context) (Restored, error) {
	done, err := r.run(ctx)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	return done, nil
}

func (r Restore) run(ctx context.Context) (_ Restored, err error) {
	var former *bolt.Store // nil if there is none that can be read
	there := free(r.Database)
	switch {
	case there == nil:
	case !errors.Is(there, ErrExists), !r.Replace:
		return Restored{}, there
	default:
		var release func() error
		if former, release, err = holdFormer(r.Database); err != nil {
			return Restored{}, err
		}
		defer func() { _ = release() }() // it ends with the process anyway
	}
	d, err := newDraft(r.Database)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, d.discard()) }()
	if there != nil {
		if err := d.ownedAs(d.target); err != nil {
			return Restored{}, err
		}
	}
	done := Restored{Path: d.target}
	if done.Records, err = r.copyTo(ctx, d); err != nil {
		return Restored{}, err
	}
	if there == nil {
		return done, d.place()
	}
	if former != nil {
		if done.Returned, err = returned(ctx, d.Name(), former); err != nil {
			return Restored{}, err
		}
		if err := letGo(former.Close); err != nil {
			return Restored{}, err
		}
	}
	done.Aside, err = putAside(d, r.Now)
	return done, err
}

// maxAside is how many former files may have a name of the same second.
const maxAside = 100

// putAside puts the draft in the place of the former file, and returns what that is called from now on: a name with the
// time, and with a number where there is one of the same second.
func putAside(d *draft, now time.Time) (aside string, err error) {
	name := d.target + ".replaced-" + now.UTC().Format("20060102T150405Z")
	aside = name
	for n := 2; ; n++ {
		if err = d.replace(aside); n > maxAside || !errors.Is(err, ErrExists) {
			return aside, err
		}
		aside = fmt.Sprintf("%s-%d", name, n)
	}
}

// copyTo writes the backup into the draft once it was opened with the key, and returns how many records it has.
func (r Restore) copyTo(ctx context.Context, d *draft) (records int, err error) {
	backup, err := filepath.Abs(r.Backup)
	if err != nil {
		return 0, err
	}
	if backup == d.target {
		return 0, errors.New("the backup and the database are the same file")
	}
	if err := mustExist(backup); err != nil {
		return 0, fmt.Errorf("the backup: %w", err)
	}
	s, err := bolt.Open(backup, bolt.Options{})
	if err != nil {
		return 0, fmt.Errorf("the backup: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	progress, err := verify(ctx, s, r.Key)
	if err != nil {
		return 0, fmt.Errorf("the backup %s: %w", r.Backup, err)
	}
	if progress.Skipped > 0 {
		return 0, fmt.Errorf("%w: %d of %d records of %s cannot be opened, the first: %w; save the others with: caddy token-store recover",
			ErrUnsound, progress.Skipped, progress.Checked, r.Backup, progress.Problems[0])
	}
	o := &overlay{Backend: s}
	if err := tokenstore.MarkRestored(ctx, o, r.Now); err != nil {
		return 0, err
	}
	update, err := r.progress(backup)
	if err != nil {
		return 0, err
	}
	content, err := fill(ctx, d, s, update, o.changes)
	return content.Records, err
}

// progress returns what is told how many bytes of the records were copied. The file is larger than they are.
func (r Restore) progress(backup string) (func(int64), error) {
	info, err := os.Stat(backup)
	if r.Progress == nil || err != nil {
		return nil, err
	}
	return func(bytes int64) { r.Progress(min(bytes, info.Size()), info.Size()) }, nil
}

// verify opens all records with the key.
func verify(ctx context.Context, backend storage.Backend, key seal.Key) (seal.Progress, error) {
	sealer, err := seal.OpenExisting(ctx, backend, key, tokenstore.SealedBuckets()...)
	if err != nil {
		return seal.Progress{}, err
	}
	return sealer.Verify(ctx)
}
