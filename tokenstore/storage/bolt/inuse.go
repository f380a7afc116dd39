package bolt

import "slices"

// inUse looks for pages of trees that the list of free ones has too, as a list of before does, which a disk leaves that drops a write:
// bbolt would write over them.
type inUse struct {
	mapping
	free  freed
	pages []uint64 // the first of each leaf and branch
}

// checkFree reads the branches of all trees, and of the leaves only those that a free page comes next behind, so that it is quick.
func (m mapping) checkFree(meta meta, free freed) error {
	u := inUse{mapping: m, free: free}
	// Where there is damage is for those to tell who want to write there.
	err := u.tree(m.root)
	for _, b := range m.buckets(m.top()) {
		if err == nil {
			err = u.tree(b.root)
		}
	}
	for _, name := range [][]byte{recordsBucket, dueBucket} {
		if top, wrong := m.topBucket(name); wrong == nil {
			for _, b := range m.buckets(top) {
				if err == nil {
					err = u.tree(b.root)
				}
			}
		}
	}
	if err != nil {
		return err
	}
	slices.Sort(u.pages)
	// bbolt frees the pages of the list itself when it writes another one.
	if err := u.before(meta.freelist); err != nil {
		return err
	}
	last := uint64(0)
	for list := free; len(list) > 0; list = list[8:] {
		id := order.Uint64(list)
		if id != last+1 {
			if err := u.before(id); err != nil {
				return err
			}
		}
		last = id
	}
	return nil
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
				case deeper, u.free.any(child.id, child.id):
					next = append(next, child)
				default:
					u.pages = append(u.pages, child.id)
				}
			}
		}
	}
	return nil
}

// before returns an error if the last page in use before a free one goes on into that one.
func (u *inUse) before(free uint64) error {
	i, _ := slices.BinarySearch(u.pages, free)
	for _, id := range slices.Backward(u.pages[:i]) {
		p, err := u.page(id)
		if err != nil || p.flaw(u.each, u.mapping.count(), true) != "" {
			continue // nobody writes there
		}
		if id+uint64(p.overflow()) >= free {
			return unwritable("page %d is taken for free, and is one of page %d, which is in use", free, id)
		}
		return nil
	}
	return nil
}
