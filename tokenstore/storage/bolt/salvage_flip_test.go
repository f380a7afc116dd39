package bolt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// pointers returns the places of the numbers in a file that lead from a page to another: the children in all branches, and the
// list of free pages.
func pointers(whole []byte) (children, freed []int) {
	n := binary.NativeEndian
	for at := 2 * pageSize; at < len(whole); at += pageSize {
		count := int(n.Uint16(whole[at+10:]))
		switch n.Uint16(whole[at+8:]) {
		case 0x01:
			for i := range count {
				children = append(children, at+16+16*i+8)
			}
		case 0x10:
			for i := range count {
				freed = append(freed, at+16+8*i)
			}
		}
	}
	return children, freed
}

// One flipped bit leads from the due index into the records, from the records into free pages, or makes the freelist say that a page
// of the records is free and a free one is not.
func TestSalvageWithOneFlippedBitThatLeadsAstray(t *testing.T) {
	u := newUsed(t)
	children, freed := pointers(u.whole)
	if len(children) < 10 || len(freed) < 3 {
		t.Fatalf("%d children and %d free pages are too few", len(children), len(freed))
	}
	for kind, places := range map[string][]int{"child": children, "free page": freed} {
		for _, at := range places {
			for bit := range 4 {
				damaged := bytes.Clone(u.whole)
				damaged[at] ^= 1 << bit
				got := bolt.SalvageBytes(damaged, "b", "small")
				u.check(t, fmt.Sprintf("%s %d at %d, bit %d", kind, u.whole[at], at, bit), got, damaged)
			}
		}
	}
}

// A page of records whose parent is damaged is not lost because the freelist, damaged too, says it is free.
func TestSalvageBelievesNoFreelistThatCannotBe(t *testing.T) {
	u := newUsed(t)
	children, freed := pointers(u.whole)
	for i, child := range children {
		if i%3 > 0 {
			continue // it takes long
		}
		page := u.whole[child]
		damaged := bytes.Clone(u.whole)
		damaged[child] = 0
		damaged[freed[len(freed)-1]] = page // which is out of order
		got := bolt.SalvageBytes(damaged, "b", "small")
		u.check(t, fmt.Sprintf("page %d", page), got, damaged)
	}
}

func TestSalvageReadsALeafThatSaysItIsABranch(t *testing.T) {
	u := newUsed(t)
	for at := 2 * pageSize; at < len(u.whole); at += pageSize {
		if u.whole[at+8] != 0x02 {
			continue
		}
		damaged := bytes.Clone(u.whole)
		damaged[at+8] = 0x01
		got := bolt.SalvageBytes(damaged, "b", "small")
		u.check(t, fmt.Sprintf("page %d", at/pageSize), got, damaged)
	}
}
