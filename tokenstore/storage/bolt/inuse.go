package bolt

// checkFree looks for pages of a tree that the list of free ones has too, as a list of before does, which a disk leaves that drops
// a write: bbolt would write over them. It reads the branches, and no leaf of them, so that it is quick.
func (m mapping) checkFree(free freed) (err error) {
	inUse := func(e element, _ bool) (more bool, _ error) {
		if b, wrong := asBucket(e); wrong == nil && b.root != 0 {
			err = m.checkTree(b.root, free)
		}
		return err == nil, nil
	}
	if err := m.checkTree(m.root, free); err != nil {
		return err
	}
	// Where there is damage is for those to tell who want to write there.
	_ = m.ascend(m.top(), nil, inUse)
	for _, name := range [][]byte{recordsBucket, dueBucket} {
		if b, wrong := m.topBucket(name); wrong == nil && err == nil {
			_ = m.ascend(b, nil, inUse)
		}
	}
	return err
}

func (m mapping) checkTree(root uint64, free freed) error {
	seen := make(map[uint64]bool)
	for branches := []place{{id: root}}; len(branches) > 0; {
		at := branches[len(branches)-1]
		branches = branches[:len(branches)-1]
		p, err := m.page(at.id)
		if err != nil || m.check(p, at) != nil || seen[at.id] {
			continue
		}
		seen[at.id] = true
		if free.any(at.id, at.id+uint64(p.overflow())) {
			return unwritable("it has page %d, which is in use", at.id)
		}
		if p.flags() == leafFlag {
			continue
		}
		child, err := m.page(p.child(0))
		deeper := err != nil || child.flags() == branchFlag
		for i := range p.count() {
			// A leaf is looked at only if the list has it: the branch may be what is wrong.
			if at, _ := p.below(i, at); deeper || free.any(at.id, at.id) {
				branches = append(branches, at)
			}
		}
	}
	return nil
}
