package bolt

import "slices"

// inUse looks at the pages of trees before something is written. bbolt would write over those that the list of free pages has too, as a list of
// before does, which a disk leaves that drops a write. And it would free those that another tree has too, as one does whose root is that of before.
type inUse struct {
	mapping
	free  freed
	roots map[uint64]bool
	pages []uint64 // the first of each leaf and branch

	looked int    // how many of pages come before the last free one that before was asked about
	sound  uint64 // the last of these that is sound, 0 if none is
	end    uint64 // where that one ends
}

// checkTrees reads the branches of all trees, and of the leaves only those that a free page comes next behind, so that it is quick. It returns
// the roots that have a second place. Other pages cannot have one: they begin where the page above says.
func (m mapping) checkTrees(meta meta, free freed) (shared map[uint64]bool, err error) {
	u := inUse{mapping: m, free: free, roots: make(map[uint64]bool)}
	// Where there is damage is for those to tell who want to write there.
	roots := append(m.buckets(m.top()), m.top())
	for _, name := range [][]byte{recordsBucket, dueBucket} {
		if top, wrong := m.topBucket(name); wrong == nil {
			roots = append(roots, m.buckets(top)...)
		}
	}
	for _, b := range roots {
		u.roots[b.root] = true
	}
	for _, b := range roots {
		if err := u.tree(b.root); err != nil {
			return nil, err
		}
	}
	slices.Sort(u.pages)
	// bbolt frees the pages of the list itself when it writes another one.
	if err := u.before(meta.freelist); err != nil {
		return nil, err
	}
	last := uint64(0)
	for list := free; len(list) > 0; list = list[8:] {
		id := order.Uint64(list)
		if id != last+1 {
			if err := u.before(id); err != nil {
				return nil, err
			}
		}
		last = id
	}
	return u.shared(), nil
}

// shared returns the roots that were noted twice.
func (u *inUse) shared() map[uint64]bool {
	shared := make(map[uint64]bool)
	for i := 1; i < len(u.pages); i++ {
		if id := u.pages[i]; id == u.pages[i-1] && u.roots[id] {
			shared[id] = true
		}
	}
	return shared
}

// buckets returns the buckets with pages of their own that are in a bucket.
func (m mapping) buckets(in bucket) (found []bucket) {
	w := walk{mapping: m, damage: func(error) bool { return true }}
	w.leaf = func(l leaf) bool {
		for i := range l.elements(int64(m.each)) {
			if e, ok := l.leaf(i); ok {
				if b, err := asBucket(e); err == nil && b.root != 0 {
					found = append(found, b)
				}
			}
		}
		return true
	}
	w.run(in)
	return found
}

// tree notes the pages of a tree. It goes down level by level, since all leaves of a tree are on one.
func (u *inUse) tree(root uint64) error {
	seen := make(map[uint64]bool) // branches
	var next []place
	for level := []place{{id: root}}; len(level) > 0; level = next {
		next = nil
		deeper, known := true, false
		for _, at := range level {
			p, err := u.page(at.id)
			if err != nil || u.check(p, at) != nil || seen[at.id] {
				continue
			}
			if u.free.any(at.id, at.id+uint64(p.overflow())) {
				return unwritable("it has page %d, which is in use", at.id)
			}
			u.pages = append(u.pages, at.id)
			if p.flags() == leafFlag {
				continue
			}
			seen[at.id] = true
			for i := range p.count() {
				child, _ := p.below(i, at)
				if !known {
					if q, err := u.page(child.id); err == nil && u.check(q, child) == nil {
						deeper, known = q.flags() == branchFlag, true
					}
				}
				switch {
				// Such a leaf is looked at: the branch may be what is wrong.
				case deeper, u.free.any(child.id, child.id), u.roots[child.id]:
					next = append(next, child)
				default:
					u.pages = append(u.pages, child.id)
				}
			}
		}
	}
	return nil
}

// before returns an error if the last page in use before a free one goes on into that one. Asked about one after the other, it looks at no page
// again, since all of a large part of the file can be damaged.
func (u *inUse) before(free uint64) error {
	n, _ := slices.BinarySearch(u.pages, free)
	if n < u.looked {
		u.looked, u.sound, u.end = 0, 0, 0
	}
	for _, id := range slices.Backward(u.pages[u.looked:n]) {
		p, err := u.page(id)
		if err != nil || p.flaw(u.each, u.mapping.count(), true) != "" {
			continue // nobody writes there
		}
		u.sound, u.end = id, id+uint64(p.overflow())
		break
	}
	u.looked = n
	if u.sound != 0 && u.end >= free {
		return unwritable("page %d is taken for free, and is one of page %d, which is in use", free, u.sound)
	}
	return nil
}
