package bolt

import "github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"

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
