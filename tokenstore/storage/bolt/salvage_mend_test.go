package bolt_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// A bit in what the table of a leaf says of a record flips: where it is, or how long its key or value is.
func TestSalvageMendsAnEntryOfATable(t *testing.T) {
	sparse := soaktest.Times(6, 1)
	w := newWorn(t, 1)
	r := rand.New(rand.NewPCG(1, 4))
	tried, within := 0, 0
	flipAll := func(table int, elements []leafElement) {
		for i := range elements {
			for at := table + 16*i + 4; at < table+16*(i+1); at++ {
				for bit := range 8 {
					if r.IntN(sparse) > 0 {
						continue
					}
					tried++
					got := w.wantAll(t, fmt.Sprintf("entry %d of %d at %d, byte %d, bit %d", i, len(elements), table, at, bit), w.with(at, []byte{w.whole[at] ^ 1<<bit}))
					if len(got.Lost) > 0 {
						t.Errorf("it says that %v is lost", got.Lost)
					}
				}
			}
		}
	}
	records := func(bucket string, elements []leafElement) bool {
		e := elements[0]
		_, there := w.now[storage.Key{Bucket: bucket, ID: string(w.whole[e.key:e.value])}]
		return there
	}
	w.leaves(func(at int) {
		elements := w.elements(at)
		for _, e := range elements {
			if e.bucket && string(w.whole[e.key:e.value]) == wornSmall {
				if inner := w.elements(e.value + 16); records(wornSmall, inner) {
					flipAll(e.value+32, inner)
					within += len(inner)
				}
			}
		}
		if records("b", elements) {
			flipAll(at+16, elements)
		}
	})
	t.Logf("%d bits were flipped, in the entries of %d records of a small bucket too", tried, within)
	if tried < 500 || within < 2 {
		t.Error("that is too little")
	}
}
