package bolt_test

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// damage is one of damages.
type damage = struct {
	name string
	do   func(r *rand.Rand, b []byte) []byte
}

// damages are those that need to know more of the file than its bytes.
func (u used) damages() []damage {
	w := worn{whole: u.whole}
	w.readFree()
	tops := slices.Sorted(maps.Keys(w.tops()))
	var names []int
	for _, at := range tops {
		for _, e := range w.elements(at) {
			for i := e.key; e.bucket && i < e.value; i++ {
				names = append(names, i)
			}
		}
	}
	return []damage{
		{"a page of an earlier state", func(r *rand.Rand, b []byte) []byte {
			earlier := u.earlier[r.IntN(len(u.earlier))]
			at := pageSize * (2 + r.IntN(len(earlier)/pageSize-2))
			copy(b[at:], earlier[at:at+pageSize])
			return b
		}},
		{"a page that lists buckets, of an earlier state", func(r *rand.Rand, b []byte) []byte {
			earlier, at := u.earlier[r.IntN(len(u.earlier))], tops[r.IntN(len(tops))]
			if at+pageSize <= len(earlier) {
				copy(b[at:], earlier[at:at+pageSize])
			}
			return b
		}},
		{"a bit in the name of a bucket", func(r *rand.Rand, b []byte) []byte {
			b[names[r.IntN(len(names))]] ^= 1 << r.IntN(8)
			return b
		}},
	}
}
