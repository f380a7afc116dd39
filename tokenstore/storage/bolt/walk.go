package bolt

import (
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// walk goes through the leaves of a tree in their order. It ends whatever is in the file: no page is below itself, and once damage
// was met, none is visited again and again.
type walk struct {
	mapping
	from []byte // what is before this key may be left out

	// leaf is called for each leaf, and reports whether to go on.
	leaf func(l leaf) (more bool)
	// damage is called for each page that was passed over, or is a branch that may lead elsewhere.
	damage func(err error) (more bool)

	stack []branch
	seen  map[uint64]int // how often, since there was damage
}

// maxSeen is how often a page is visited at most. Where it does not belong it may be met first.
const maxSeen = 8

// leaf is a page of the tree.
type leaf struct {
	page
	at    place
	limit []byte // no key can be so high; nil if that is not known
	err   error  // what is wrong with it; each of its elements may be sound
}

// branch is one on the way to where a walk is.
type branch struct {
	page
	at      place
	behind  uint64 // the page whose first key is that of what is behind it, 0 if there is none
	limit   []byte
	n, next int // children, and that to be visited next
}

// run visits what is in a bucket.
func (w *walk) run(b bucket) {
	if b.inline != nil {
		l := leaf{page: b.inline}
		if what := b.inline.flaw(0, 0, true); what != "" {
			l.err = fmt.Errorf("%w: a bucket %s", storage.ErrDamaged, what)
		}
		w.leaf(l)
		return
	}
	more := w.visit(place{id: b.root}, 0, nil)
	for more && len(w.stack) > 0 {
		top := &w.stack[len(w.stack)-1]
		if top.next >= top.n {
			w.stack = w.stack[:len(w.stack)-1]
			continue
		}
		i, limit := top.next, top.limit
		top.next++
		child, ok := top.below(i, top.at)
		behind := top.behind
		if top.next < top.n {
			behind = top.child(top.next)
		}
		if !ok {
			more = w.damaged(pageError(top.at.id, "has an element that is not in its place"))
		}
		more = more && w.visit(child, behind, limit)
	}
}

// visit calls leaf for a page, or puts it on the stack. Behind is the next page, or one above it, 0 if there is none.
func (w *walk) visit(at place, behind uint64, limit []byte) (more bool) {
	if !w.fresh(at.id) {
		return w.damaged(pageError(at.id, "has a second place in the tree"))
	}
	p, err := w.page(at.id)
	if err != nil {
		return w.damaged(err)
	}
	if err = w.check(p, at); err != nil {
		limit = w.limit(at, behind, limit)
	}
	if w.seen != nil {
		w.seen[at.id]++
		if err == nil && (limit == nil || at.next != nil && string(at.next) <= string(limit)) {
			w.seen[at.id] = maxSeen
		}
	}
	if p.flags() == leafFlag {
		return w.leaf(leaf{p, at, limit, err})
	}
	b := branch{page: p, at: at, behind: behind, limit: limit, n: p.count()}
	if err == nil {
		b.next = w.start(p)
	} else {
		b.n = p.elements(int64(w.each))
		if !w.damaged(err) {
			return false
		}
	}
	w.stack = append(w.stack, b)
	return true
}

// limit returns the key that is too high for a place: a page that does not belong there would make those behind it seem
// to be out of order. There are two witnesses, the branch above and the next page, and the higher one is believed, since no sound key may be left out.
func (m mapping) limit(at place, behind uint64, above []byte) []byte {
	if at.next == nil {
		return above
	}
	limit := at.next
	if next := m.first(behind); string(next) > string(limit) {
		limit = next
	}
	if above != nil && string(above) < string(limit) {
		return above
	}
	return limit
}

// fresh reports whether a page may be visited.
func (w *walk) fresh(id uint64) bool {
	for i := range w.stack {
		if w.stack[i].at.id == id {
			return false
		}
	}
	return w.seen[id] < maxSeen && len(w.stack) < maxDepth
}

// start returns the first child of a branch that can have what is wanted.
func (w *walk) start(p page) int {
	if len(w.from) == 0 {
		return 0
	}
	i := p.toward(w.from)
	if first, _ := p.key(i); i > 0 && string(w.first(p.child(i))) != string(first) {
		i-- // the branch may be wrong about where that child begins
	}
	return i
}

func (w *walk) damaged(err error) (more bool) {
	if w.seen == nil {
		w.seen = make(map[uint64]int)
	}
	return w.damage(err)
}

// ascend calls visit for the elements of a bucket whose key is not less than from, in their order, until it has enough. It
// ends with an error at the first page that is damaged, of which it visits what may be sound.
func (m mapping) ascend(b bucket, from []byte, visit func(e element, sound bool) (more bool, _ error)) (err error) {
	var last []byte
	w := walk{mapping: m, from: from}
	w.damage = func(damage error) bool {
		err = damage
		return false
	}
	w.leaf = func(l leaf) (more bool) {
		n := l.count()
		if l.err != nil {
			n = l.elements(int64(m.each))
		}
		for i := range n {
			e, ok := l.leaf(i)
			switch {
			case !ok:
				err = l.err
				return false
			case string(e.key) < string(from):
				continue
			case last != nil && string(e.key) <= string(last):
				err = fmt.Errorf("%w: keys are out of order", storage.ErrDamaged)
				return false
			}
			last = e.key
			if more, err = visit(e, l.err == nil); !more || err != nil {
				return false
			}
		}
		err = l.err
		return err == nil
	}
	w.run(b)
	return err
}
