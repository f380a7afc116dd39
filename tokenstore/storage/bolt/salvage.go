package bolt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Salvaged is what could be read of a damaged file.
type Salvaged struct {
	// Records are the sound ones, in the order of their keys, with their revisions.
	Records []storage.Record

	// Lost are the keys of records that are damaged, as far as they are known: from the record's own
	// place, which may be damaged too, or from the due index.
	Lost []storage.Key

	// Pages is how many pages are damaged that may have had records. What was in them is not known.
	Pages int

	// Older is set if what is there may be older than the last state of the file: records may have a value
	// that was replaced, and deleted ones may be back. It is set as soon as anything comes from a page that the tree of the file
	// does not lead to.
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
	visited   map[uint64]bool // places of the leaves of records, and of those above them
	sequence  uint64          // the last revision of the tree that was walked
	older     bool            // there may be records that are not of the last state

	best    map[storage.Key]storage.Record
	lost    map[storage.Key]bool
	missing int // pages
	unnamed int // elements of which not even the place is known
}

func newSalvage(f io.ReaderAt, size int64, buckets []string) *salvage {
	s := &salvage{
		pages:   &pages{file: f, size: size, each: int64(os.Getpagesize())},
		buckets: slices.Clone(buckets),
		free:    make(map[uint64]bool), visited: make(map[uint64]bool),
		best: make(map[storage.Key]storage.Record), lost: make(map[storage.Key]bool),
	}
	s.readMetas()
	s.pages.find()
	return s
}

// readMetas looks for the two meta pages. The place of the second depends on the size of pages, which
// only they tell.
func (s *salvage) readMetas() {
	places := []int64{0}
	for each := int64(512); each <= 1<<16; each *= 2 {
		places = append(places, each)
	}
	b := make([]byte, pageHeaderLen+metaLen)
	for _, at := range places {
		if n, _ := s.pages.file.ReadAt(b, at); n < len(b) {
			continue
		}
		m, ok := parseMeta(b)
		if !ok || at != 0 && at != m.pageSize || m.pageSize < 512 || m.pageSize > 1<<16 {
			continue
		}
		if s.metas++; s.metas == 1 || m.txid > s.meta.txid {
			s.meta = m
		}
		s.pages.each = m.pageSize
	}
}

func (s *salvage) run() {
	if s.metas > 0 {
		if p, _ := s.pages.get(s.meta.freelist); p != nil {
			s.freeList(p)
		}
		s.walkRoot()
	}
	if s.metas < 2 || s.older || s.missing+s.unnamed+len(s.lost) > 0 {
		s.scan()
	}
}

func (s *salvage) freeList(p page) {
	ids, ok := p.freed(s.pages.count())
	s.freeKnown = ok
	for _, id := range ids {
		s.free[id] = true
	}
}

// walkRoot follows the newest tree from its root: the records first, so that nothing in the due index can
// keep one of their pages from them.
func (s *salvage) walkRoot() {
	var records, due *element
	s.walk(newTree(s.meta.root, true), func(e element) {
		switch {
		case !e.bucket || len(e.value) < bucketLen:
		case string(e.key) == string(recordsBucket):
			records = &e
		case string(e.key) == string(dueBucket):
			due = &e
		}
	})
	if records == nil {
		s.missing++
	} else {
		s.sequence = order.Uint64(records.value[8:])
		s.walkBucket(*records, true, s.walkRecords)
	}
	if due != nil {
		missing, unnamed := s.missing, s.unnamed
		s.walkBucket(*due, false, s.walkDue)
		s.missing, s.unnamed = missing, unnamed // it is made anew
	}
}

// walkRecords reads the records of one storage bucket.
func (s *salvage) walkRecords(e element) {
	if !e.bucket || len(e.value) < bucketLen {
		s.missing++
		return
	}
	name := string(e.key)
	if !slices.Contains(s.buckets, name) {
		s.buckets = append(s.buckets, name)
	}
	s.walkBucket(e, true, func(e element) {
		key := storage.Key{Bucket: name, ID: string(e.key)}
		switch sound, _ := s.take(key, e.value, 0); {
		case sound:
		case isText(e.key):
			s.lost[key] = true
		default:
			s.unnamed++
		}
	})
}

// isText tells what may be an id from noise.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return !unicode.IsPrint(r) })
}

// walkDue learns the ids of records, for the case that they themselves are damaged. What is
// damaged in the index is no loss: it is made anew.
func (s *salvage) walkDue(e element) {
	if !e.bucket || len(e.value) < bucketLen {
		return
	}
	name := string(e.key)
	s.walkBucket(e, false, func(e element) {
		if d, ok := decodeDue(name, e.key); ok && len(e.value) == 0 {
			if _, there := s.best[d.Key]; !there {
				s.lost[d.Key] = true
			}
		}
	})
}

func (s *salvage) walkBucket(e element, records bool, visit func(element)) {
	root := order.Uint64(e.value)
	if root != 0 {
		s.walk(newTree(root, records), visit)
		return
	}
	if inline := page(e.value[bucketLen:]); len(inline) >= pageHeaderLen {
		s.leaf(inline, visit)
	}
}

// tree is one of bbolt's trees. Each has its own pages, and what another one claims is not taken from it.
type tree struct {
	root    uint64
	records bool // it has records, or what leads to them
	visited map[uint64]bool
}

func newTree(root uint64, records bool) tree { return tree{root, records, make(map[uint64]bool)} }

// maxDepth is more than a tree in a file can have.
const maxDepth = 64

// walk calls visit for each element of the leaves of a tree.
func (s *salvage) walk(t tree, visit func(element)) { s.walkFrom(t, t.root, 0, visit) }

func (s *salvage) walkFrom(t tree, id uint64, depth int, visit func(element)) {
	// A page that the tree has already is not what was meant.
	if id < 2 || depth > maxDepth || t.visited[id] {
		s.missing++
		return
	}
	p, place := s.pages.get(id)
	if p == nil {
		s.missing++
		return
	}
	t.visited[id] = true
	if s.free[id] { // either the freelist is damaged, or what leads here, from a page that the tree has no more
		s.freeKnown = false
		s.older = s.older || t.records
	}
	switch p.flags() {
	case leafFlag:
		// Not a branch: it may be a leaf of which the head is damaged.
		s.visited[place] = s.visited[place] || t.records
		s.leaf(p, visit)
	case branchFlag:
		for i := range p.elements(s.pages.each) {
			s.walkFrom(t, p.child(i), depth+1, visit)
		}
		if p.elements(s.pages.each) == 0 {
			s.missing++
		}
	default:
		s.missing++
		s.orphan(p, 0)
	}
}

func (s *salvage) leaf(p page, visit func(element)) {
	for i := range p.elements(s.pages.each) {
		if e, ok := p.leaf(i); ok {
			visit(e)
		} else {
			s.unnamed++
		}
	}
}

// take keeps a record if it is sound and newer than what there is of it. It must have a revision above
// the given one.
func (s *salvage) take(key storage.Key, raw []byte, above uint64) (sound, taken bool) {
	r, ok := decodeRecord(key, raw)
	if ok && r.Revision > above && r.Revision > s.best[key].Revision {
		s.best[key] = r
		return true, true
	}
	return ok, false
}

// scan looks into the leaves that the tree does not lead to. Those that are not free have lost the branch
// above them. If a meta page is damaged, the tree may be that of the last but one change: then what has a revision
// that it did not give out is newer.
func (s *salvage) scan() {
	for place := uint64(2); place < s.pages.count(); place++ {
		h := s.pages.header(place)
		if h == nil {
			continue
		}
		above := uint64(0)
		if s.visited[place] || s.freeKnown && s.free[s.pages.name(place, h)] {
			if above = s.sequence; s.metas == 2 {
				continue
			}
		}
		if p := s.pages.at(place); p != nil {
			s.orphan(p, above)
		}
	}
}

// orphan keeps the records of a leaf of which the bucket is not known. Their checksums tell it. Whether they are of the last
// state nobody can tell: the page may have been given up since.
func (s *salvage) orphan(p page, above uint64) {
	for i := range p.elements(s.pages.each) {
		e, ok := p.leaf(i)
		if !ok {
			continue
		}
		if e.bucket {
			if len(e.value) >= bucketLen+pageHeaderLen && order.Uint64(e.value) == 0 {
				s.orphan(page(e.value[bucketLen:]), above)
			}
			continue
		}
		for _, name := range s.buckets {
			if sound, taken := s.take(storage.Key{Bucket: name, ID: string(e.key)}, e.value, above); sound {
				s.older = s.older || taken
				break
			}
		}
	}
}

func (s *salvage) result() *Salvaged {
	out := &Salvaged{
		Pages: s.missing + s.unnamed,
		Older: s.metas < 2 || s.older,
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
