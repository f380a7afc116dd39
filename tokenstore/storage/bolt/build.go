package bolt

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// buildBatch is how many records Build puts into a transaction.
const buildBatch = 10_000

// Build makes a database of records, which keep their revisions, of the empty file at path. The file is durable
// when it returns nil, and of no use if it does not.
func Build(path string, records []storage.Record) error {
	if err := build(path, records); err != nil {
		return fmt.Errorf("build token database %s: %w", path, err)
	}
	return nil
}

func build(path string, records []storage.Record) (err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Update(format); err != nil {
		return err
	}
	for len(records) > 0 {
		n := min(buildBatch, len(records))
		if err := db.Update(func(tx *bbolt.Tx) error { return putAll(tx, records[:n]) }); err != nil {
			return err
		}
		records = records[n:]
	}
	return db.Sync()
}

func putAll(tx *bbolt.Tx, records []storage.Record) error {
	all := tx.Bucket(recordsBucket)
	for _, r := range records {
		if err := checkKey(r.Key); err != nil {
			return err
		}
		b, err := all.CreateBucketIfNotExists([]byte(r.Key.Bucket))
		if err != nil {
			return err
		}
		if err := b.Put([]byte(r.Key.ID), encodeRecord(r, r.Revision)); err != nil {
			return err
		}
		if err := moveDue(tx, r.Key, storage.Record{}, r); err != nil {
			return err
		}
		// No revision is given out twice.
		if r.Revision > all.Sequence() {
			if err := all.SetSequence(r.Revision); err != nil {
				return err
			}
		}
	}
	return nil
}
