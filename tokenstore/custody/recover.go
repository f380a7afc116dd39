package custody

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// Recover is a damaged database that is to be saved as far as it can be.
type Recover struct {
	Database string   // the damaged file, which stays as it is
	Into     string   // the new file, which must not be there
	Key      seal.Key // that opens the database
	Now      time.Time
}

// Recovered is what became of a damaged database.
type Recovered struct {
	Path    string // absolute, of the new file
	Records int    // in it
	// Lost are the records that could not be saved, as far as they are known.
	Lost []storage.Key
	// Pages is how many damaged pages may have had more of them.
	Pages int
	// Older is set if records may be older than they were, see [bolt.Salvaged].
	Older bool
}

// Complete reports whether nothing is missing.
func (r Recovered) Complete() bool { return len(r.Lost) == 0 && r.Pages == 0 && !r.Older }

// Run writes every sound record of the database into a new one: those that the checksum and the key
// confirm. If something is missing, the new one is marked as restored, since what it has may be older.
//
// The error wraps ErrExists if the new file is there, storage.ErrLocked if a store has the database open,
// seal.ErrKeysetMissing if the keyset is lost, without which no record opens, and seal.ErrWrongKey. No file is
// left then.
func (r Recover) Run(ctx context.Context) (Recovered, error) {
	done, err := r.run(ctx)
	if err != nil {
		return Recovered{}, fmt.Errorf("recover %s: %w", r.Database, err)
	}
	return done, nil
}

func (r Recover) run(ctx context.Context) (_ Recovered, err error) {
	if err := free(r.Into); err != nil {
		return Recovered{}, err
	}
	buckets := append(tokenstore.SealedBuckets(), seal.MetaBucket, seal.SpareBucket)
	found, err := bolt.Salvage(ctx, r.Database, bolt.Options{}, buckets...)
	if err != nil {
		return Recovered{}, err
	}
	done, err := r.write(ctx, found, withoutOlderKeyset(found.Records), false)
	if records, ok := withKeysetInUse(found); ok && errors.Is(err, seal.ErrWrongKey) {
		if done, other := r.write(ctx, found, records, true); other == nil {
			return done, nil
		}
	}
	return done, err
}

// write makes the new database of the records. If all is set, none may need a key that the keyset does not have.
func (r Recover) write(ctx context.Context, found *bolt.Salvaged, records []storage.Record, all bool) (_ Recovered, err error) {
	d, err := newDraft(r.Into)
	if err != nil {
		return Recovered{}, err
	}
	defer func() { err = errors.Join(err, d.discard()) }()
	if err := errors.Join(d.Close(), bolt.Build(d.Name(), records)); err != nil {
		return Recovered{}, err
	}
	done := Recovered{Path: d.target, Lost: slices.Clone(found.Lost), Pages: found.Pages, Older: found.Older}
	if err := r.checkSeals(ctx, d.Name(), found.Records, all, &done); err != nil {
		return Recovered{}, err
	}
	return done, d.place()
}

// withoutOlderKeyset takes out the first copy of the keyset if the second one is newer, as it is where the first was found in a page
// that had been given up: such a one may lack a key that records need.
func withoutOlderKeyset(records []storage.Record) []storage.Record {
	first, second := seal.KeysetKeys()
	newest := slices.IndexFunc(records, func(r storage.Record) bool { return r.Key == second })
	if newest < 0 {
		return records
	}
	return slices.DeleteFunc(slices.Clone(records), func(r storage.Record) bool {
		return r.Key == first && r.Revision < records[newest].Revision
	})
}

// withKeysetInUse takes out the second copy of the keyset if the first is older. It is so, for another encryption key, where a change of that key
// was cut short, which has not happened then: a store believes the first. It is not ok if the first may be of
// an earlier state, whose encryption key is not to open the database again.
func withKeysetInUse(found *bolt.Salvaged) (records []storage.Record, ok bool) {
	if found.Older || len(withoutOlderKeyset(found.Records)) == len(found.Records) {
		return nil, false
	}
	_, second := seal.KeysetKeys()
	return slices.DeleteFunc(slices.Clone(found.Records), func(r storage.Record) bool { return r.Key == second }), true
}

// checkSeals takes out of the new database what does not open with the key, and makes the keyset two copies again.
// If all is set, a record under an unknown key is an error.
func (r Recover) checkSeals(ctx context.Context, path string, records []storage.Record, all bool, done *Recovered) (err error) {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	sealer, err := seal.OpenExisting(ctx, s, r.Key, tokenstore.SealedBuckets()...)
	if err != nil {
		return err
	}
	if err := sealer.Mend(ctx); err != nil {
		return err
	}
	first, second := seal.KeysetKeys()
	isKeyset := func(key storage.Key) bool { return key == first || key == second }
	// One copy is enough, and now there are two.
	done.Records, done.Lost = 2, slices.DeleteFunc(done.Lost, isKeyset)
	for _, record := range records {
		key := record.Key
		switch {
		case isKeyset(key):
			continue
		case key.Bucket == seal.MetaBucket:
			done.Records++
			continue
		}
		_, _, err := sealer.Open(key.Bucket, key.ID, record.Value)
		switch {
		case err == nil, errors.Is(err, seal.ErrNewerFormat):
			done.Records++
		case all && errors.Is(err, seal.ErrUnknownKey):
			return err
		default:
			if err := s.Delete(ctx, key, record.Revision); err != nil {
				return err
			}
			done.Lost = append(done.Lost, key)
		}
	}
	if done.Complete() {
		return nil
	}
	return tokenstore.MarkRestored(ctx, s, r.Now)
}
