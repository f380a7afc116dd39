package callerkey

import (
	"errors"
	"maps"
)

// table is all keys, as they are looked up. It is not changed once others can see it.
type table struct {
	byID   map[string]*entry // without the damaged ones
	byName map[string]*entry
	damage error // why there may be other keys that nobody can find, nil if there are none
}

func newTable(entries ...*entry) *table {
	t := &table{byID: make(map[string]*entry, len(entries)), byName: make(map[string]*entry, len(entries))}
	for _, e := range entries {
		t.put(e)
	}
	return t
}

func (t *table) put(e *entry) {
	t.drop(e.key.Name)
	t.byName[e.key.Name] = e
	if e.problem == nil {
		t.byID[e.key.ID] = e
	}
}

func (t *table) drop(name string) {
	old := t.byName[name]
	if old == nil {
		return
	}
	delete(t.byName, name)
	if t.byID[old.key.ID] == old {
		delete(t.byID, old.key.ID)
	}
}

func (t *table) clone() *table {
	return &table{byID: maps.Clone(t.byID), byName: maps.Clone(t.byName), damage: t.damage}
}

// with returns t with e in place of what had its name.
func (t *table) with(e *entry) *table {
	t = t.clone()
	t.put(e)
	return t
}

func (t *table) without(name string) *table {
	t = t.clone()
	t.drop(name)
	return t
}

// halting returns t with the key of that name refused.
func (t *table) halting(name string) *table {
	old := t.byName[name]
	if old == nil {
		return t
	}
	e := *old
	e.halted = true
	return t.with(&e)
}

// inherit makes e refused if it is what was refused before it was read again.
func (t *table) inherit(e *entry) {
	old := t.byName[e.key.Name]
	e.halted = old != nil && old.halted && old.key.ID == e.key.ID
}

// unlessDoubtful returns what was found of a key; or, if that may be of before, a copy of what is known of it: as of one that cannot be found
// any more.
func (t *table) unlessDoubtful(e *entry) *entry {
	old := t.byName[e.key.Name]
	if old == nil || old.problem != nil || !errors.Is(e.problem, errDoubtful) {
		return e
	}
	kept := *old
	return &kept
}
