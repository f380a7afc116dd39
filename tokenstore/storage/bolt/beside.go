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

// beside checks the pages beside the way from a root to the leaf of a key.
func (c *paths) beside(way []spot, key []byte) (err error) {
	var before, behind []spot
	for n, above := range way[:len(way)-1] {
		child, height := way[n+1].page, len(way)-n-2
		i := above.toward(key)
		if before, err = c.near(child, height, above.outward(i, -1, before)); err != nil {
			return err
		}
		if behind, err = c.near(child, height, above.outward(i, 1, behind)); err != nil {
			return err
		}
	}
	return nil
}

// near checks the pages on one side of p, the nearest first, as far as bbolt can read them when it removes keys below p. Height
// is how many levels there are below p.
//
// A page that has become small is merged with the next one on its level, which has another parent if the parents were merged
// before. What is merged to a leaf stays so until a key of its own is removed. But a branch is looked at again after each merge
// below it, and merged on while it has less than a quarter of a page or less than three children. What the pages had that were
// merged into it can have been more: it loses the first key of each page that is merged below it. Those were, before the last
// of them, as much as can be merged on the level below; and one key is no more than an eighth of a page. So each level adds three eighths.
func (c *paths) near(p page, height int, side iter.Seq[place]) (checked []spot, err error) {
	enough := c.each * 3 / 8 * height
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
