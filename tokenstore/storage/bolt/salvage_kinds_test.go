package bolt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// wear are kinds of damage, each of which gives many files. Sparse says of how many of those that are like each other
// one is enough.
var wear = []struct {
	name string
	each func(w worn, r *rand.Rand, sparse int, try func(name string, damaged []byte))
}{
	{"a page of an earlier state", func(w worn, r *rand.Rand, sparse int, try func(string, []byte)) {
		tops := w.tops()
		for _, f := range w.former {
			if r.IntN(sparse) > 0 && !tops[f.at] {
				continue
			}
			b := w.with(f.at, f.content)
			// With the meta pages of two changes in a row, it is a state that the file had, as after a crash.
			if !bytes.Equal(b, w.whole) && (f.at > pageSize || !(worn{whole: b}).inARow()) {
				try(fmt.Sprintf("page %d as it was before change %d", f.at/pageSize, f.change), b)
			}
		}
	}},
	{"a bit in a head or a table", func(w worn, r *rand.Rand, sparse int, try func(string, []byte)) {
		flip := func(at, i int) {
			bit := r.IntN(8)
			try(fmt.Sprintf("page %d, byte %d, bit %d", at/pageSize, i, bit), w.with(at+i, []byte{w.whole[at+i] ^ 1<<bit}))
		}
		w.heads(func(at int, _ uint16) {
			for i := range 16 + 16*int(binary.NativeEndian.Uint16(w.whole[at+10:])) {
				if i < 16 || r.IntN(sparse) == 0 {
					flip(at, i)
				}
			}
		})
		for i := range 2 * 80 { // the meta pages
			flip(i/80*pageSize, i%80)
		}
	}},
	{"a bit anywhere in what leads to records", func(w worn, r *rand.Rand, sparse int, try func(string, []byte)) {
		w.leaves(func(at int) {
			for _, e := range w.elements(at) {
				if !e.bucket {
					continue
				}
				for i := e.key; i < min(e.end, e.value+48); i++ {
					if i >= e.value && r.IntN(sparse) > 0 {
						continue
					}
					bit := r.IntN(8)
					try(fmt.Sprintf("page %d, byte %d, bit %d", at/pageSize, i-at, bit), w.with(i, []byte{w.whole[i] ^ 1<<bit}))
				}
			}
		})
	}},
	{"two pages swapped", func(w worn, r *rand.Rand, sparse int, try func(string, []byte)) {
		for a := 0; a < len(w.whole); a += pageSize {
			for b := a + pageSize; b < len(w.whole); b += pageSize {
				if r.IntN(4*sparse) == 0 {
					x, y := w.whole[a:a+pageSize], w.whole[b:b+pageSize]
					try(fmt.Sprintf("pages %d and %d", a/pageSize, b/pageSize), worn{whole: w.with(a, y)}.with(b, x))
				}
			}
		}
	}},
	{"zeros", func(w worn, _ *rand.Rand, _ int, try func(string, []byte)) {
		for at := 0; at < len(w.whole); at += pageSize {
			try(fmt.Sprintf("page %d", at/pageSize), w.with(at, make([]byte, pageSize)))
			try(fmt.Sprintf("the first sector of page %d", at/pageSize), w.with(at, make([]byte, 512)))
			try(fmt.Sprintf("the head of page %d", at/pageSize), w.with(at, make([]byte, 16)))
		}
	}},
	{"noise", func(w worn, r *rand.Rand, _ int, try func(string, []byte)) {
		for at := 0; at < len(w.whole); at += pageSize {
			noise := make([]byte, pageSize)
			for i := range noise {
				noise[i] = byte(r.Uint32())
			}
			try(fmt.Sprintf("page %d", at/pageSize), w.with(at, noise))
			try(fmt.Sprintf("the head of page %d", at/pageSize), w.with(at, noise[:16]))
		}
	}},
	{"cut off", func(w worn, r *rand.Rand, _ int, try func(string, []byte)) {
		for at := 0; at < len(w.whole); at += pageSize {
			try(fmt.Sprintf("at page %d", at/pageSize), w.whole[:at])
			n := at + r.IntN(pageSize)
			try(fmt.Sprintf("at byte %d", n), w.whole[:n])
		}
	}},
}

// with returns the file with other bytes at a place.
func (w worn) with(at int, other []byte) []byte {
	b := bytes.Clone(w.whole)
	copy(b[at:], other)
	return b
}

func TestSalvageOfEveryKindOfDamage(t *testing.T) {
	sparse := soaktest.Times(8, 1)
	for seed := range uint64(soaktest.Times(1, 12)) {
		w := newWorn(t, seed)
		if lost, told := w.check(t, "nothing", w.whole); lost > 0 || told {
			t.Errorf("seed %d: of a sound file %d records are lost; told: %t", seed, lost, told)
		}
		for k, kind := range wear {
			start := time.Now()
			files, lost, told := 0, 0, 0
			kind.each(w, rand.New(rand.NewPCG(seed, uint64(k))), sparse, func(name string, damaged []byte) {
				n, is := w.check(t, fmt.Sprintf("seed %d, %s, %s", seed, kind.name, name), damaged)
				files, lost = files+1, lost+n
				if is {
					told++
				}
			})
			t.Logf("%s: %d files of %d pages; of %d records each, %d are lost in all; told of %d files; %v",
				kind.name, files, len(w.whole)/pageSize, len(w.now), lost, told, time.Since(start).Round(time.Millisecond))
			if files < 20 || told == 0 {
				t.Errorf("%s: the damage is not what it should be", kind.name)
			}
		}
	}
}

// The name of a bucket is in the checksum of all its records.
func TestSalvageWithOneFlippedBitInTheNameOfABucket(t *testing.T) {
	w := newWorn(t, 1)
	names := 0
	w.leaves(func(at int) {
		for _, e := range w.elements(at) {
			if !e.bucket {
				continue
			}
			names++
			for i := e.key; i < e.value; i++ {
				for bit := range 8 {
					name := fmt.Sprintf("%q, byte %d, bit %d", w.whole[e.key:e.value], i-e.key, bit)
					got := w.wantAll(t, name, w.with(i, []byte{w.whole[i] ^ 1<<bit}))
					if len(got.Lost) > 0 || got.Pages > 0 || got.Older {
						t.Errorf("%s: lost %v, %d pages, older %t", name, got.Lost, got.Pages, got.Older)
					}
				}
			}
		}
	})
	if names < 7 {
		t.Errorf("%d names are too few", names)
	}
	t.Logf("%d names", names)
}

func TestSalvageTellsThatTheFreelistIsUnreadable(t *testing.T) {
	w := newWorn(t, 1)
	got := w.wantAll(t, "freelist", w.with(w.list, make([]byte, 16)))
	if got.Pages != 1 || len(got.Lost) > 0 {
		t.Errorf("lost %v, %d pages", got.Lost, got.Pages)
	}
	for _, r := range got.Records {
		if _, there := w.now[r.Key]; !there {
			t.Errorf("%v was deleted, and is back though nothing else is damaged", r.Key)
		}
	}
}

// A head that claims the pages behind its own hides none that has lost what led to it.
func TestSalvageOfAPageThatClaimsOthers(t *testing.T) {
	w := newWorn(t, 1)
	tops, pairs, tried := w.tops(), 0, 0
	for _, f := range w.former {
		if !tops[f.at] {
			continue
		}
		stale := w.with(f.at, f.content)
		w.leaves(func(head int) {
			if pairs++; head != f.at && pairs%5 == 0 {
				tried++
				binary.NativeEndian.PutUint32(stale[head+12:], 1000)
				w.check(t, fmt.Sprintf("page %d as it was before change %d, and page %d", f.at/pageSize, f.change, head/pageSize), stale)
				copy(stale[head+12:], w.whole[head+12:head+16])
			}
		})
	}
	t.Logf("%d pairs", tried)
	if tried < 20 {
		t.Error("that is too few")
	}
}

// Pages within pages that are within pages were made on purpose, and cost no more time than others.
func TestSalvageOfPagesWithinPagesEnds(t *testing.T) {
	n := binary.NativeEndian
	b := make([]byte, 64*pageSize)
	for at := 0; at < len(b); at += 16 {
		n.PutUint32(b[at+12:], uint32(len(b)))
	}
	for at := 0; at+64 < len(b); at += 16 {
		if at%pageSize == 0 {
			n.PutUint64(b[at:], uint64(at/pageSize))
			n.PutUint16(b[at+8:], 2)
			n.PutUint16(b[at+10:], 250)
			continue
		}
		// An element that is a bucket, and whose value may be one too.
		n.PutUint32(b[at:], 0)
		n.PutUint32(b[at+4:], 16)
		n.PutUint32(b[at+8:], 16)
		n.PutUint32(b[at+12:], 2000)
	}
	start := time.Now()
	got := bolt.SalvageBytes(b, "b", "c", "d", "e", "f")
	if d := time.Since(start); d > 30*time.Second || len(got.Records) > 0 {
		t.Errorf("%d records after %v", len(got.Records), d)
	}
}
