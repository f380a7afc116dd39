package bolt

import (
	"iter"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// bbolt puts what a leaf has one behind the other: the table, and then each key with its value. So where one number in the table is
// damaged, those beside it tell what it was. What they tell is believed only if the checksum confirms it, which
// includes the bucket, the id and the whole record.

// element returns an element of a leaf, as it was before one number in its entry of the table was damaged, if that makes a sound record of it.
func (s *salvage) element(p page, i int) (e element, ok bool) {
	e, ok = p.leaf(i)
	for mended := range p.mended(i, s.pages.each) {
		if ok && s.isRecord(e) {
			break
		}
		if s.isRecord(mended) {
			return mended, true
		}
	}
	return e, ok
}

// isRecord reports whether e is a sound record of a bucket that is known.
func (s *salvage) isRecord(e element) bool {
	for _, name := range s.buckets {
		if sound(storage.Key{Bucket: name, ID: string(e.key)}, e.value) {
			return true
		}
	}
	return false
}

// entry returns where an element of a leaf begins, and the lengths of its key and value, as the table says.
func (p page) entry(i int) (start, key, value int64) {
	at := pageHeaderLen + i*elementLen
	h := p[at : at+elementLen]
	return int64(at) + int64(order.Uint32(h[4:])), int64(order.Uint32(h[8:])), int64(order.Uint32(h[12:]))
}

// mended returns what an element may be if its entry in the table does not fit in with those beside it, and would with another number. Behind the
// last one is none: of that, each length is also tried with one of its bits flipped, if it ends within the first page.
func (p page) mended(i int, each int64) iter.Seq[element] {
	return func(yield func(element) bool) {
		start, key, value := p.entry(i)
		begin, end, last := int64(pageHeaderLen+elementLen*p.count()), int64(0), i+1 >= min(p.count(), p.elements(each))
		if i > 0 {
			before, k, v := p.entry(i - 1)
			begin = before + k + v
		}
		if !last {
			end, _, _ = p.entry(i + 1)
		}
		try := func(key, value int64) (more bool) {
			to := begin + key + value
			if key <= 0 || value < 0 || to > int64(len(p)) || last && to > each || !last && to != end {
				return true
			}
			return yield(element{key: p[begin : begin+key], value: p[begin+key : to]})
		}
		switch {
		case start != begin:
			try(key, value)
		case !last && begin+key+value != end:
			_ = try(end-begin-value, value) && try(key, end-begin-key)
		case last:
			for bit := range 32 {
				if !try(key^1<<bit, value) || !try(key, value^1<<bit) {
					return
				}
			}
		}
	}
}
