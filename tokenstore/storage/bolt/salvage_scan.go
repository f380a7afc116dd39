package bolt

import (
	"bytes"
	"math/bits"
	"slices"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// scan looks into the pages that the trees do not lead to. Those in use have lost what is above them, or a page of an earlier state
// leads elsewhere, and is sound by itself. What is free has records that were replaced or deleted: it counts only
// where a meta page is damaged. Then the tree may be that of the last but one change, and what has a revision that
// it did not give out is newer.
func (s *salvage) scan() {
	suspect := s.suspect()
	for place := range s.pages.count() {
		h := s.pages.header(place)
		if h == nil || s.sound[place] || s.part[place] && !suspect {
			continue
		}
		above, inUse := uint64(0), s.freeKnown
		switch id := s.pages.name(place, h); {
		case s.freeKnown && (s.free[id] || id >= s.meta.highWater):
			if s.metas == 2 {
				continue
			}
			above, inUse = s.sequence, false
		case !s.freeKnown && !suspect:
			above = s.sequence // what was deleted is to stay so
		}
		p := s.pages.at(place)
		if p == nil {
			continue
		}
		if s.orphan(p, above, false) && inUse && !s.reached[place] {
			s.older = true
		}
	}
}

// orphan keeps the records of a page of which the bucket is not known, and reports whether there are any. Their checksums tell
// it. Whether they are of the last state nobody can tell: the page may have been given up since. bbolt has no page
// within one that is within a page.
func (s *salvage) orphan(p page, above uint64, within bool) (found bool) {
	for i := range p.elements(s.pages.each) {
		if e, ok := s.element(p, i); ok {
			if _, sound, taken := s.takeOfAny("", e, above); sound {
				found, s.older = true, s.older || taken
				continue
			}
		}
		if within {
			continue
		}
		if inner := p.inline(i, s.pages.each); inner != nil && s.orphan(inner, above, true) {
			found = true
		}
	}
	return found
}

// take keeps a record if it is sound and newer than what there is of it. It must have a revision above
// the given one.
func (s *salvage) take(key storage.Key, raw []byte, above uint64) (sound, taken bool) {
	if len(raw) > headerLen+maxValue {
		return false, false
	}
	r, ok := decodeRecord(key, raw)
	if ok && r.Revision > above && r.Revision > s.best[key].Revision {
		s.best[key] = r
		return true, true
	}
	return ok, false
}

// takeOfAny is take for a record of the named bucket, or of another one that is known: the name may be damaged, and then no
// checksum confirms it.
func (s *salvage) takeOfAny(name string, e element, above uint64) (key storage.Key, sound, taken bool) {
	key = storage.Key{Bucket: name, ID: string(e.key)}
	if name != "" {
		if sound, taken = s.take(key, e.value, above); sound {
			return key, sound, taken
		}
	}
	for _, name := range s.buckets {
		other := storage.Key{Bucket: name, ID: key.ID}
		if sound, taken = s.take(other, e.value, above); sound {
			return other, sound, taken
		}
	}
	return key, false, false
}

// maxLearned bounds how many names of buckets are learned from a file, since each is tried with each damaged record.
const maxLearned = 100

// learn notes the name of a bucket for the pages to which nothing leads.
func (s *salvage) learn(name []byte) {
	if s.learned < maxLearned && len(name) > 0 && isText(name) && !slices.Contains(s.buckets, string(name)) {
		s.buckets = append(s.buckets, string(name))
		s.learned++
	}
}

// likely returns what the name of a bucket was before a bit of it flipped: itself, if it is known, or if no known one is like it.
func (s *salvage) likely(name []byte) string {
	like := string(name)
	for _, known := range s.buckets {
		switch flippedBits([]byte(known), name) {
		case 0:
			return known
		case 1:
			like = known
		}
	}
	return like
}

// flippedBits returns how many bits of two texts differ, or more than there can be if one is longer.
func flippedBits(a, b []byte) (n int) {
	if len(a) != len(b) {
		return 8*max(len(a), len(b)) + 1
	}
	if bytes.Equal(a, b) {
		return 0
	}
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}
