package bolt

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// walkRoot follows the newest tree from its root: the records first, so that nothing in the due index can
// keep one of their pages from them.
func (s *salvage) walkRoot() {
	var tops []element
	s.walk(newTree(s.meta.root, true), func(e element) bool {
		if len(e.value) >= bucketLen {
			tops = append(tops, e)
		}
		return false
	})
	records, due := top(tops, recordsBucket), top(tops, dueBucket)
	if records < 0 {
		s.missing++
	} else {
		s.sequence = order.Uint64(tops[records].value[8:])
		s.walkBucket(tops[records], true, s.walkRecords)
		for name := range s.foreign {
			if s.named[name] { // no name is damaged: a page of one bucket is in another
				s.older = true
			}
		}
	}
	if due >= 0 {
		s.walkDueIndex(tops[due])
	}
	for i, e := range tops {
		if i != records && i != due { // no records are there; its pages are in use
			missing, unnamed := s.missing, s.unnamed
			s.walkBucket(e, false, func(element) bool { return false })
			s.missing, s.unnamed = missing, unnamed
		}
	}
}

// top returns which of the elements is the bucket of that name, -1 if none is. The name may be damaged: all names of this
// package have different lengths.
func top(all []element, name []byte) int {
	like := -1
	for i, e := range all {
		if bytes.Equal(e.key, name) {
			return i
		}
		if len(e.key) == len(name) {
			like = i
		}
	}
	return like
}

// walkRecords reads the records of one storage bucket.
func (s *salvage) walkRecords(e element) (records bool) {
	if len(e.value) < bucketLen {
		s.missing++
		return false
	}
	name, lostOf, last := string(e.key), s.likely(e.key), ""
	s.learn(e.key)
	s.named[name] = true
	s.walkBucket(e, true, func(e element) bool {
		key, sound, _ := s.takeOfAny(name, e, 0)
		switch {
		case sound:
			// Otherwise a page is of an earlier state: that above it, or its own.
			if key.ID <= last || s.best[key].Revision > s.sequence {
				s.older = true
			}
			if key.Bucket != name {
				s.foreign[key.Bucket], s.strange = true, true
			}
			lostOf, last = key.Bucket, key.ID
		case isText(e.key):
			key.Bucket = lostOf
			s.lost[key] = true
		default:
			s.unnamed++
		}
		return sound
	})
	return false
}

// isText tells what may be an id from noise.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (s *salvage) walkBucket(e element, records bool, visit visitor) {
	root := order.Uint64(e.value)
	if root != 0 {
		s.walk(newTree(root, records), visit)
		return
	}
	if inline := page(e.value[bucketLen:]); len(inline) >= pageHeaderLen {
		s.leaf(inline, visit)
	}
}

// visitor is told each element of the leaves of a tree. It reports whether it is a sound record.
type visitor func(element) (record bool)

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
func (s *salvage) walk(t tree, visit visitor) { s.walkFrom(t, t.root, 0, visit) }

func (s *salvage) walkFrom(t tree, id uint64, depth int, visit visitor) {
	// A page that the tree has already is not what was meant. Many trees that share their pages are none of bbolt's.
	s.steps++
	if id < 2 || depth > maxDepth || t.visited[id] || s.steps > 4*s.pages.count()+1000 {
		s.missing++
		return
	}
	p, place := s.pages.get(id)
	if p == nil {
		s.missing++
		return
	}
	t.visited[id] = true
	s.reach(p, place)
	if t.records && place != id && int64(len(p)) > s.pages.each {
		s.orphan(s.pages.joined(p, id), 0, false)
	}
	if s.free[id] { // either the freelist is damaged, or what leads here, from a page that the tree has no more
		s.strange = true
		if t.records {
			s.freeKnown, s.older = false, true
		}
	}
	switch p.flags() {
	case leafFlag:
		if s.leaf(p, visit) {
			s.sound[place] = true
		}
	case branchFlag:
		for i := range p.elements(s.pages.each) {
			s.walkFrom(t, p.child(i), depth+1, visit)
		}
		if p.elements(s.pages.each) == 0 {
			s.missing++
		}
	default:
		s.missing++
		if t.records {
			s.orphan(p, 0, false)
		}
	}
}

// reach notes that a page is in use, and so are those that it overflows into.
func (s *salvage) reach(p page, place uint64) {
	s.reached[place] = true
	for i := range p.parts(s.pages.each) {
		s.reached[place+1+i], s.part[place+1+i] = true, true
	}
}

// leaf reports whether all that is in a leaf is sound records.
func (s *salvage) leaf(p page, visit visitor) (records bool) {
	records = true
	for i := range p.elements(s.pages.each) {
		e, ok := s.element(p, i)
		if !ok {
			s.unnamed++
		}
		records = ok && visit(e) && records
	}
	return records
}
