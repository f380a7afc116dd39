package bolt

import "iter"

// spot is a page and its place.
type spot struct {
	page
	at place
}

// outward returns the children on one side of child i of a branch, the nearest first: to the left if step is -1, to the right if it is 1. Those
// of the branches beside it on that side follow.
func (s spot) outward(i, step int, beside []spot) iter.Seq[place] {
	return func(yield func(place) bool) {
		b, at := s, i+step
		for next := 0; ; next++ {
			for ; at >= 0 && at < b.count(); at += step {
				if child, _ := b.below(at, b.at); !yield(child) {
					return
				}
			}
			if next == len(beside) {
				return
			}
			if b, at = beside[next], 0; step < 0 {
				at = b.count() - 1
			}
		}
	}
}

// near checks the pages on one side of p, the nearest first, as far as bbolt can read them when it removes keys below p.
//
// A page that has become small is merged with the next one on its level, which has another parent if the parents were merged
// before. What is merged to a leaf stays so until a key of its own is removed. But a branch is looked at again after each merge
// below it, and merged on while it has less than a quarter of a page or less than three children. Merged with these, it is
// larger: of them it can have lost only as many as were merged into the first child, which was small itself.
func (c *paths) near(p page, side iter.Seq[place]) (checked []spot, err error) {
	enough := c.each * 5 / 8
	if p.flags() == branchFlag {
		if child, err := c.page(p.child(0)); err == nil && child.flags() == leafFlag {
			enough = c.each * 3 / 8 // only one leaf, at the very left, is merged with the next one
		}
	}
	for at := range side {
		q, err := c.at(at)
		if err != nil {
			return nil, err
		}
		if q.flags() != p.flags() {
			return nil, pageError(at.id, "is not on the level of page %d", p.id())
		}
		checked = append(checked, spot{q, at})
		if q.flags() == leafFlag {
			break
		}
		if enough -= q.weight(c.each); enough < 0 {
			break
		}
	}
	return checked, nil
}

// weight returns how many bytes the elements of a branch take. None counts for more than an eighth of a page, so that
// with more than a quarter of a page there are more than two.
func (p page) weight(each int) (bytes int) {
	for i := range p.count() {
		key, _ := p.key(i)
		bytes += min(elementLen+len(key), each/8)
	}
	return bytes
}
