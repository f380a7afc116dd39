// Package bolt keeps records in one bbolt file on the local disk. It is the
// backend for a single process.
//
// # Promises
//
// A write is acknowledged after two successful fdatasync calls, so it survives
// a crash of the process and of the machine. Writes that wait at the same time
// share one transaction; one that waits alone does not wait for company.
//
// The file is created beside its final place and linked there when it is
// complete, so that a power cut leaves a usable file or none. It has mode 0600
// whatever the umask. Opening and closing an existing file without a write
// leaves every byte of it as it was.
//
// A damaged file is reported, and does not end the process, whatever is in it:
// pages are read without bbolt, and believed only as far as they prove
// themselves; page faults and panics become errors. Each record carries a
// checksum, so that a flipped bit is [storage.ErrDamaged] and not another value.
//
// What is sound stays so. A page that is damaged is not written to, nor is one
// that two trees have, nor are those that bbolt would merge with it: such a
// write fails alone. A due index that is damaged keeps no record from being
// written whose due time stays as it is, unless the two share a page. If the
// list of free pages is damaged, the file can be read only, since bbolt would
// write over pages in use; then [Salvage] is the remedy.
//
// # Caveats
//
// The checksum finds accidents, not attackers. Sealing, a layer above, finds
// both.
//
// An older but intact state of the file (a restored backup, or the state that
// bbolt falls back to when its newest meta page is damaged) looks right to this
// package, and so does one page of an older state, which a disk leaves that drops a write.
//
// bbolt's pages have no checksum, and reading all of them at each start would
// take too long. So a page is checked when it is needed, and the branches once
// more before the first write.
//
// [Salvage] finds more than a store does, since it looks at every page. It is for
// a file that no store has open.
//
// The lock on the file is advisory, and does not work on some network file
// systems. Keep the file on a local disk.
//
// # Layout
//
//	meta     "format" → format version, 4 bytes
//	records  one nested bucket for each storage bucket: id → record
//	due      one nested bucket for each storage bucket: time, id → nothing
//
// Numbers are big-endian. [storage.Record] revisions come from the sequence of
// the bucket "records", so no revision is given out twice in the life of a file,
// not even after a record was deleted.
package bolt
