package bolt

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

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
