package bolt

import (
	"bytes"
	"fmt"
	"slices"
)

// scan goes through a bucket in the order of its keys, and goes on behind what is damaged.
type scan struct {
	mapping
	last []byte // key of the last element that was visited; what is not behind it is left out

	// may reports whether an element can be one of the bucket.
	may   func(l leaf, e element) bool
	visit func(l leaf, e element) (more bool)

	passed int   // what was passed over
	damage error // the first of it
}

// run begins where the key from may be.
func (s *scan) run(b bucket, from []byte) error {
	w := walk{mapping: s.mapping, from: from, leaf: s.leaf, damage: s.passOver}
	w.run(b)
	if s.passed > 1 {
		return fmt.Errorf("%w (and %d more)", s.damage, s.passed-1)
	}
	return s.damage
}

func (s *scan) passOver(err error) (more bool) {
	if s.damage == nil {
		s.damage = err
	}
	s.passed++
	return true
}

// doubtful reports whether a leaf may be of another tree, or of before.
func (l leaf) doubtful() bool { return l.err != nil || l.limit != nil }

// leaf visits the elements of a leaf that are behind the last one.
func (s *scan) leaf(l leaf) (more bool) {
	n := l.count()
	if l.err != nil {
		s.passOver(l.err)
		n = l.elements(int64(s.each))
	}
	elements := make([]element, 0, n)
	for i := range n {
		// One that is outside of the page is why that is not sound.
		if e, ok := l.leaf(i); ok && s.may(l, e) {
			elements = append(elements, e)
		}
	}
	if l.doubtful() {
		elements = inOrder(l.within(elements))
	}
	for _, e := range elements {
		if string(e.key) <= string(s.last) {
			continue
		}
		s.last = e.key
		if !s.visit(l, e) {
			return false
		}
	}
	return true
}

// within leaves out the elements that cannot be in that page.
func (l leaf) within(elements []element) (in []element) {
	least := []byte(nil)
	if len(elements) > 0 && string(elements[0].key) == string(l.at.first) {
		least = elements[0].key // two witnesses
	}
	for _, e := range elements {
		if string(e.key) >= string(least) && (l.limit == nil || string(e.key) < string(l.limit)) {
			in = append(in, e)
		}
	}
	return in
}

// inOrder returns the elements without those whose keys are out of order, so that one of these hides none of the others. Where two have
// changed their places, nobody knows which one is wrong, and both stay. What is returned is in order.
func inOrder(elements []element) []element {
	before := rows(elements, byKey)
	reversed := slices.Clone(elements)
	slices.Reverse(reversed)
	after := rows(reversed, func(a, b element) int { return byKey(b, a) })
	longest := 0
	for _, n := range before {
		longest = max(longest, n)
	}
	var in []element
	for i, e := range elements {
		if before[i]+after[len(elements)-1-i] == longest+1 { // it is in one of the longest rows
			in = append(in, e)
		}
	}
	slices.SortFunc(in, byKey)
	return in
}

func byKey(a, b element) int { return bytes.Compare(a.key, b.key) }

// rows returns how many elements at most are in order, of those up to each, which is the last of them.
func rows(elements []element, compare func(a, b element) int) []int {
	lengths := make([]int, len(elements))
	var ends []element // the least that ends a row, by its length less one
	for i, e := range elements {
		n, _ := slices.BinarySearchFunc(ends, e, compare)
		if n == len(ends) {
			ends = append(ends, e)
		}
		ends[n], lengths[i] = e, n+1
	}
	return lengths
}
