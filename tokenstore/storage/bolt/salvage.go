package bolt

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Salvaged is what could be read of a damaged file.
type Salvaged struct {
	// Records are the sound ones, in the order of their keys, with their revisions.
	Records []storage.Record

	// Lost are the keys of records that are damaged, as far as they are known: from the record's own
	// place, which may be damaged too, or from the due index.
	Lost []storage.Key

	// Pages is how many pages are damaged that may have had records. What was in them is not known. The list of
	// the free pages counts too: without it, it is not known which pages are in use.
	Pages int

	// Older is set if what is there may be older than the last state of the file: records may have a value
	// that was replaced, and deleted ones may be back. It is set as soon as anything comes from a page that the tree of the file
	// does not lead to, or a page shows that it is of an earlier state than others: by the order of the keys, by a
	// revision or a due time that does not fit, or since pages in use are left to which nothing leads.
	Older bool
}

// Salvage reads what is sound in the file at path, which no store may have open, and changes nothing. It
// looks at each page by itself and believes only what the checksum of a record confirms, so that it
// ends, and does not panic, whatever is in the file. Buckets are names to look for where the names
// in the file are damaged. It keeps all records in memory.
//
// The error is one of reading the file at all, or that of the context. It wraps [storage.ErrLocked] if a store has it open.
func Salvage(ctx context.Context, path string, o Options, buckets ...string) (_ *Salvaged, err error) {
	release, err := Lock(path, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release() }() // nothing was written
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("salvage: %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("salvage: %w", err)
	}
	s := newSalvage(until{ctx, f}, info.Size(), buckets)
	s.run()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("salvage: %w", err)
	}
	return s.result(), nil
}

// until is a file of which nothing can be read any more when a context has ended.
type until struct {
	ctx  context.Context // of one reading
	file io.ReaderAt
}

// ReadAt implements [io.ReaderAt].
func (u until) ReadAt(b []byte, at int64) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.file.ReadAt(b, at)
}

// salvage is one reading of a file.
type salvage struct {
	pages   *pages
	buckets []string

	metas     int  // how many of the two are sound
	meta      meta // the newest of them
	free      map[uint64]bool
	freeKnown bool            // the freelist may be believed
	unlisted  bool            // it could not be read
	reached   map[uint64]bool // places of the pages that the trees have
	part      map[uint64]bool // those of them that others overflow into
	sound     map[uint64]bool // places of the leaves that have sound records and nothing else
	steps     uint64          // pages that were walked to
	sequence  uint64          // the last revision of the tree that was walked
	indexed   int             // entries of the due index that have a record
	older     bool            // there may be records that are not of the last state
	strange   bool            // something is not as it should be

	learned int             // of the buckets
	named   map[string]bool // the buckets that the tree names
	foreign map[string]bool // those of which the tree has records in another
	best    map[storage.Key]storage.Record
	lost    map[storage.Key]bool
	missing int // pages
	unnamed int // elements of which not even the place is known
}

func newSalvage(f io.ReaderAt, size int64, buckets []string) *salvage {
	s := &salvage{
		pages:   &pages{file: f, size: size, each: int64(os.Getpagesize())},
		buckets: slices.Clone(buckets),
		free:    make(map[uint64]bool), sound: make(map[uint64]bool),
		reached: make(map[uint64]bool), part: make(map[uint64]bool),
		named: make(map[string]bool), foreign: make(map[string]bool),
		best: make(map[storage.Key]storage.Record), lost: make(map[storage.Key]bool),
	}
	s.readMetas()
	s.pages.find()
	return s
}

func (s *salvage) readMetas() {
	for _, m := range metas(s.pages.file) {
		// bbolt writes them by turns. Where that cannot be so, one of them is of an earlier state, and counts as damaged.
		if s.metas == 0 || m.txid == s.meta.txid+1 || m.txid+1 == s.meta.txid {
			s.metas++
		}
		if m.txid > s.meta.txid || s.meta.pageSize == 0 {
			s.meta = m
		}
		s.pages.each = m.pageSize
	}
}

func (s *salvage) run() {
	if s.metas > 0 {
		s.freeList()
		s.walkRoot()
	}
	s.scan()
}

func (s *salvage) freeList() {
	p, place := s.pages.get(s.meta.freelist)
	if p == nil {
		s.unlisted = true
		return
	}
	s.reach(p, place)
	ids, ok := p.freed(max(s.pages.count(), s.meta.highWater)) // the file may be cut off
	s.freeKnown, s.unlisted = ok, !ok
	for _, id := range ids {
		s.free[id] = true
	}
}

// suspect reports whether the tree that was walked may not be the whole one.
func (s *salvage) suspect() bool {
	return s.metas < 2 || s.older || s.strange || s.missing+s.unnamed+len(s.lost) > 0
}

func (s *salvage) result() *Salvaged {
	out := &Salvaged{
		Pages: s.missing + s.unnamed,
		Older: s.metas < 2 || s.older,
	}
	if s.unlisted {
		out.Pages++
	}
	for _, r := range s.best {
		out.Records = append(out.Records, r)
	}
	for key := range s.lost {
		if _, there := s.best[key]; !there {
			out.Lost = append(out.Lost, key)
		}
	}
	slices.SortFunc(out.Records, func(a, b storage.Record) int { return compareKeys(a.Key, b.Key) })
	slices.SortFunc(out.Lost, compareKeys)
	return out
}

func compareKeys(a, b storage.Key) int {
	if a.Bucket != b.Bucket {
		return strings.Compare(a.Bucket, b.Bucket)
	}
	return strings.Compare(a.ID, b.ID)
}
