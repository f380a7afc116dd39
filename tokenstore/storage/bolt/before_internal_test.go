package bolt

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// putLeaf writes a leaf with one element that takes so many pages.
func putLeaf(m mapping, id uint64, pages int) {
	p := page(m.data[int(id)*m.each:])
	order.PutUint64(p, id)
	order.PutUint16(p[8:], leafFlag)
	order.PutUint16(p[10:], 1)
	order.PutUint32(p[12:], uint32(pages-1))
	order.PutUint32(p[pageHeaderLen+4:], elementLen)
	order.PutUint32(p[pageHeaderLen+8:], 1)
	order.PutUint32(p[pageHeaderLen+12:], uint32(pages*m.each-pageHeaderLen-elementLen-1))
}

// goesOn reports whether the last sound page before a free one goes on into it.
func (u *inUse) goesOn(free uint64) bool {
	for _, id := range slices.Backward(u.pages) {
		if p, err := u.page(id); id < free && err == nil && u.check(p, place{id: id}) == nil {
			return id+uint64(p.overflow()) >= free
		}
	}
	return false
}

func TestAFreePageIsComparedWithTheLastSoundOneBeforeIt(t *testing.T) {
	const count, each, trials = 60, 512, 2000
	refused, asked := 0, 0
	for trial := range trials {
		r := rand.New(rand.NewPCG(1, uint64(trial)))
		u := inUse{mapping: mapping{data: make([]byte, count*each), each: each}}
		var free []uint64
		for id := uint64(2); id < count-4; id++ {
			switch pages := 1 + r.IntN(4); r.IntN(4) {
			case 0: // damaged
				u.pages = append(u.pages, id)
			case 1:
				u.pages = append(u.pages, id)
				putLeaf(u.mapping, id, pages)
				id += uint64(r.IntN(pages))
			default:
				free = append(free, id)
			}
		}
		if len(free) > 0 {
			free = append([]uint64{free[r.IntN(len(free))]}, free...) // that of the list itself, which can be anywhere
		}
		for _, id := range free {
			asked++
			err := u.before(id)
			if (err != nil) != u.goesOn(id) {
				t.Fatalf("trial %d: page %d of %v beside %v: %v", trial, id, free, u.pages, err)
			}
			if err != nil {
				refused++
			}
		}
	}
	t.Logf("%d of %d free pages are in one that is in use", refused, asked)
	if refused == 0 || refused == asked {
		t.Error("nothing was tried")
	}
}

// Of a part of the file that is lost, no page is looked at again for each free one in it.
func TestManyDamagedPagesBetweenFreeOnesAreLookedAtQuickly(t *testing.T) {
	const count, each = 100_000, 512
	u := inUse{mapping: mapping{data: make([]byte, count*each), each: each}}
	for id := uint64(2); id < count; id += 2 {
		u.pages = append(u.pages, id)
	}
	start := time.Now()
	for id := uint64(3); id < count; id += 2 {
		if time.Since(start) > time.Minute { // it takes a tenth of a second, and took ten minutes
			t.Fatalf("page %d of %d after %s", id, count, time.Since(start))
		}
		if err := u.before(id); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d damaged pages and as many free ones", len(u.pages))
}
