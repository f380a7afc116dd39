package bolt

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// A transaction of a builder has no more records, and about no more bytes, than these.
const (
	buildRecords = 10_000
	buildBytes   = 16 << 20
)

// buildFill is how full the pages of records are made, which come in their order.
const buildFill = 0.9

// Build makes a database of records, which keep their revisions, of the empty file at path. The file is durable
// when it returns nil, and of no use if it does not.
func Build(path string, records []storage.Record) error {
	if err := build(path, records); err != nil {
		return fmt.Errorf("build token database %s: %w", path, err)
	}
	return nil
}

func build(path string, records []storage.Record) error {
	b, err := newBuilder(path, os.OpenFile)
	if err != nil {
		return err
	}
	defer b.abandon()
	for _, r := range records {
		if err := checkKey(r.Key); err != nil {
			return err
		}
		if err := b.add(r.Key, encodeRecord(r, r.Revision)); err != nil {
			return err
		}
	}
	_, err = b.finish(0)
	return err
}

// builder fills a new file. Each record is written once, so that there is nothing else in the file, not even in
// pages that are free.
type builder struct {
	db      *bbolt.DB
	tx      *bbolt.Tx // nil between two
	records int       // in tx
	bytes   int       // in tx, about
	last    uint64    // the highest revision
}

func newBuilder(path string, openFile func(string, int, os.FileMode) (*os.File, error)) (*builder, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true, OpenFile: openFile})
	if err != nil {
		return nil, err
	}
	if err := db.Update(format); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &builder{db: db}, nil
}

// add writes a record as it is stored. One that is damaged is written as it is.
func (b *builder) add(key storage.Key, raw []byte) (err error) {
	if b.records >= buildRecords || b.bytes >= buildBytes {
		if err := b.commit(); err != nil {
			return err
		}
	}
	if b.tx == nil {
		if b.tx, err = b.db.Begin(true); err != nil {
			return err
		}
	}
	b.records, b.bytes = b.records+1, b.bytes+len(key.ID)+len(raw)
	records, err := b.tx.Bucket(recordsBucket).CreateBucketIfNotExists([]byte(key.Bucket))
	if err != nil {
		return err
	}
	records.FillPercent = buildFill
	if err := records.Put([]byte(key.ID), raw); err != nil {
		return err
	}
	r, ok := decodeRecord(key, raw)
	if !ok {
		return nil
	}
	b.last = max(b.last, r.Revision)
	return moveDue(b.tx, key, storage.Record{}, r)
}

func (b *builder) commit() error {
	if b.tx == nil {
		return nil
	}
	err := b.tx.Commit()
	b.tx, b.records, b.bytes = nil, 0, 0
	return err
}

// finish makes the file durable, closes it, and returns how many bytes of it there are; behind them there may be zeros.
// No revision is given out again that is not above sequence and those of the records.
func (b *builder) finish(sequence uint64) (size int64, err error) {
	if err := b.commit(); err != nil {
		return 0, err
	}
	err = b.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(recordsBucket).SetSequence(max(sequence, b.last))
	})
	if err != nil {
		return 0, err
	}
	if err := writeInventory(b.db); err != nil {
		return 0, err
	}
	err = b.db.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return nil
	})
	return size, errors.Join(err, b.db.Sync(), b.db.Close())
}

// abandon gives up what is not finished.
func (b *builder) abandon() {
	if b.tx != nil {
		_ = b.tx.Rollback() // the file is of no use
	}
	_ = b.db.Close() // after finish it does nothing
}
