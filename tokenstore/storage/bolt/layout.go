package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// formatVersion is the newest format that this package reads and the one that
// it writes.
const formatVersion = 1

var (
	metaBucket    = []byte("meta")
	recordsBucket = []byte("records")
	dueBucket     = []byte("due")
	formatKey     = []byte("format")
)

// A stored record is a header, then the value:
//
//	0   4  CRC-32C of the key and of all that follows
//	4   8  revision
//	12 12  due time, all zero if there is none
//	24     value
const (
	checksumLen = 4
	revisionEnd = checksumLen + 8
	headerLen   = revisionEnd + dueLen
)

// dueLen is the length of a time in the due index: seconds since the epoch
// with the sign flipped, so that byte order is time order before 1970 as well,
// then nanoseconds. Every time.Time fits, unlike in 64 bits of nanoseconds.
const dueLen = 12

// noDue stands for the zero time in a header. As a time it would be long
// before the universe began.
var noDue [dueLen]byte

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeRecord(r storage.Record, revision uint64) []byte {
	b := make([]byte, headerLen, headerLen+len(r.Value))
	binary.BigEndian.PutUint64(b[checksumLen:], revision)
	if !r.Due.IsZero() {
		putTime(b[revisionEnd:], r.Due)
	}
	b = append(b, r.Value...)
	binary.BigEndian.PutUint32(b, checksum(r.Key, b[checksumLen:]))
	return b
}

// decodeRecord copies what it returns, since b may be mapped memory that is
// gone after the transaction. It reports whether b is what was written for
// the key.
func decodeRecord(k storage.Key, b []byte) (r storage.Record, ok bool) {
	r.Key = k
	if !sound(k, b) {
		return r, false
	}
	r.Revision = binary.BigEndian.Uint64(b[checksumLen:])
	if due := [dueLen]byte(b[revisionEnd:headerLen]); due != noDue {
		r.Due = getTime(due[:])
	}
	// Not append to nil: an empty value must not come back as nil, which
	// means damaged.
	r.Value = append(make([]byte, 0, len(b)-headerLen), b[headerLen:]...)
	return r, true
}

// sound reports whether b is what was written for the key.
func sound(k storage.Key, b []byte) bool {
	return len(b) >= headerLen && binary.BigEndian.Uint32(b) == checksum(k, b[checksumLen:])
}

// checksum includes the key, with lengths, so that a record that ended up under
// another key is noticed.
func checksum(k storage.Key, b []byte) uint32 {
	var n [8]byte
	binary.BigEndian.PutUint32(n[:4], uint32(len(k.Bucket)))
	binary.BigEndian.PutUint32(n[4:], uint32(len(k.ID)))
	sum := crc32.Update(0, castagnoli, n[:])
	sum = crc32.Update(sum, castagnoli, []byte(k.Bucket))
	sum = crc32.Update(sum, castagnoli, []byte(k.ID))
	return crc32.Update(sum, castagnoli, b)
}

func dueKey(at time.Time, id string) []byte {
	b := make([]byte, dueLen, dueLen+len(id))
	putTime(b, at)
	return append(b, id...)
}

// decodeDue reports whether b can be a key of the due index.
func decodeDue(bucket string, b []byte) (d storage.Due, ok bool) {
	if len(b) <= dueLen {
		return d, false
	}
	return storage.Due{
		Key: storage.Key{Bucket: bucket, ID: string(b[dueLen:])},
		At:  getTime(b),
	}, true
}

func putTime(b []byte, t time.Time) {
	binary.BigEndian.PutUint64(b, uint64(t.Unix())^(1<<63))
	binary.BigEndian.PutUint32(b[8:], uint32(t.Nanosecond()))
}

func getTime(b []byte) time.Time {
	sec := int64(binary.BigEndian.Uint64(b) ^ (1 << 63))
	return time.Unix(sec, int64(binary.BigEndian.Uint32(b[8:]))).UTC()
}

// checkKey refuses what cannot be stored before it gets into a transaction,
// where it would fail the operations beside it.
func checkKey(k storage.Key) error {
	switch {
	case k.Bucket == "" || k.ID == "":
		return fmt.Errorf("%w: bucket or id is empty", errKey)
	case max(len(k.Bucket), len(k.ID)) > bbolt.MaxKeySize-dueLen:
		return fmt.Errorf("%w: bucket or id is longer than %d bytes", errKey, bbolt.MaxKeySize-dueLen)
	default:
		return nil
	}
}

// format writes the buckets and the version into an empty file.
func format(tx *bbolt.Tx) error {
	for _, name := range [][]byte{metaBucket, recordsBucket, dueBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(metaBucket).Put(formatKey, binary.BigEndian.AppendUint32(nil, formatVersion))
}

// checkFormat refuses files that this package did not write or cannot read.
func checkFormat(tx *bbolt.Tx) error {
	m := mapped(tx)
	for _, name := range [][]byte{metaBucket, recordsBucket, dueBucket} {
		switch _, err := m.find(m.top(), name); {
		case errors.Is(err, storage.ErrNotFound):
			return fmt.Errorf("%w: it is a bbolt database, but not of a token store", storage.ErrDamaged)
		case err != nil:
			return err
		}
	}
	b, err := m.topBucket(metaBucket)
	if err != nil {
		return err
	}
	e, err := m.find(b, formatKey)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	version := e.value
	if len(version) != 4 {
		return fmt.Errorf("%w: it has no format version", storage.ErrDamaged)
	}
	switch v := binary.BigEndian.Uint32(version); {
	case v == 0:
		return fmt.Errorf("%w: it has format version 0, which never was", storage.ErrDamaged)
	case v > formatVersion:
		return fmt.Errorf("%w: version %d, this program reads up to %d; start the version that wrote it", ErrNewerFormat, v, formatVersion)
	default:
		return nil
	}
}
