package bolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// inventoryKey is where a file that was built says what is in it:
//
//	0   8  transaction that wrote this; after another one it says nothing any more
//	8   8  how many records there are
//	16 32  SHA-256 of all of them
//
// A flipped bit in one of bbolt's pages can make records vanish as if they had never been there.
var inventoryKey = []byte("inventory")

// inventory is about all records of a file, in their order.
type inventory struct {
	content storage.Content
	sum     hash.Hash
}

func newInventory() *inventory { return &inventory{sum: sha256.New()} }

// note adds a record as it is stored.
func (i *inventory) note(key storage.Key, raw []byte) {
	i.content.Records++
	if !sound(key, raw) {
		i.content.Damaged++
	}
	var n [12]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(key.Bucket)))
	binary.BigEndian.PutUint32(n[4:], uint32(len(key.ID)))
	binary.BigEndian.PutUint32(n[8:], uint32(len(raw)))
	for _, b := range [][]byte{n[:], []byte(key.Bucket), []byte(key.ID), raw} {
		_, _ = i.sum.Write(b) // never fails
	}
}

func (i *inventory) encode(transaction int) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(transaction))
	b = binary.BigEndian.AppendUint64(b, uint64(i.content.Records))
	return i.sum.Sum(b)
}

// check compares with what the file says that it has, if it says so. Damaged records are counted, and no error.
func (i *inventory) check(tx *bbolt.Tx) error {
	m := mapped(tx)
	b, err := m.topBucket(metaBucket)
	if err != nil || i.content.Damaged > 0 {
		return nil //nolint:nilerr // then the file says nothing
	}
	e, err := m.find(b, inventoryKey)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	said, is := e.value, i.encode(tx.ID())
	if len(said) != len(is) || !bytes.Equal(said[:8], is[:8]) || bytes.Equal(said, is) {
		return nil
	}
	return fmt.Errorf("%w: it has %d records, and they are not the %d that were written into it",
		storage.ErrDamaged, i.content.Records, binary.BigEndian.Uint64(said[8:]))
}

// writeInventory notes in a file what is in it. It does so twice, for the case that the newest meta page is damaged: then
// bbolt takes the one before.
func writeInventory(db *bbolt.DB) error {
	i := newInventory()
	err := db.View(func(tx *bbolt.Tx) error {
		return eachRecord(tx, func(key storage.Key, raw []byte) error {
			i.note(key, raw)
			return nil
		})
	})
	for range 2 {
		if err == nil {
			err = db.Update(func(tx *bbolt.Tx) error {
				return tx.Bucket(metaBucket).Put(inventoryKey, i.encode(tx.ID()))
			})
		}
	}
	return err
}

// eachRecord calls visit for each record as it is stored. What it is given is gone after the transaction.
func eachRecord(tx *bbolt.Tx, visit func(key storage.Key, raw []byte) error) error {
	m := mapped(tx)
	all, err := m.topBucket(recordsBucket)
	if err != nil {
		return err
	}
	return m.ascend(all, nil, func(name element, _ bool) (bool, error) {
		b, err := asBucket(name)
		if err != nil {
			return false, err
		}
		return true, m.ascend(b, nil, func(e element, _ bool) (bool, error) {
			return true, visit(storage.Key{Bucket: string(name.key), ID: string(e.key)}, e.value)
		})
	})
}
