package bolt

import "github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"

// walkDueIndex compares the due index with the records that were found. Both are written together: where they differ, a page of one of
// them is damaged, or of an earlier state. What is damaged in the index is no loss: it is made anew.
func (s *salvage) walkDueIndex(e element) {
	missing, unnamed, strange := s.missing, s.unnamed, s.strange
	s.strange = false
	s.walkBucket(e, false, s.walkDue)
	damaged := s.strange || s.missing != missing || s.unnamed != unnamed
	s.missing, s.unnamed, s.strange = missing, unnamed, strange || damaged
	if damaged {
		return
	}
	due := 0
	for _, r := range s.best {
		if !r.Due.IsZero() {
			due++
		}
	}
	if s.indexed < due {
		s.older = true
	}
}

// walkDue reads the index of one storage bucket. It tells the ids of records that are damaged themselves.
func (s *salvage) walkDue(e element) (records bool) {
	if len(e.value) < bucketLen {
		s.strange = true
		return false
	}
	name := s.likely(e.key)
	s.walkBucket(e, false, func(e element) bool {
		d, ok := decodeDue(name, e.key)
		if ok && len(e.value) == 0 {
			s.compare(d)
		} else {
			s.strange = true
		}
		return false
	})
	return false
}

// compare looks for the record of an entry of the due index. The name of the entry's bucket may be damaged.
func (s *salvage) compare(d storage.Due) {
	r, there := s.best[d.Key]
	if there && r.Due.Equal(d.At) {
		s.indexed++
		return
	}
	for _, name := range s.buckets {
		if r, ok := s.best[storage.Key{Bucket: name, ID: d.Key.ID}]; ok && r.Due.Equal(d.At) {
			s.indexed++
			return
		}
	}
	if there {
		s.older = true
	} else {
		s.lost[d.Key] = true
	}
}
