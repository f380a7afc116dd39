package tokenstore

import (
	"sync"
	"sync/atomic"
)

// published is the hot map: the tokens that callers get without any I/O. A
// look-up allocates nothing and holds a read lock for the map access alone.
//
// It holds the connections that were used since the start, at most one entry for
// each stored connection.
type published struct {
	mu      sync.RWMutex
	entries map[ID]*publishedEntry // guarded by mu
	// serves says whose tokens may be published; nobody's if it is nil.
	serves func(ID) bool // guarded by mu
}

type publishedEntry struct {
	token    atomic.Pointer[Token]
	revision atomic.Uint64 // of the record that the token came from
}

// get returns the published token of id, or nil.
func (p *published) get(id ID) *Token {
	p.mu.RLock()
	e := p.entries[id]
	p.mu.RUnlock()
	if e == nil {
		return nil
	}
	return e.token.Load()
}

// set publishes the token of a record. Only the holder of the connection's
// lease may call it. It does nothing if the token must not be served: a flight may
// end after its provider was taken out of the configuration, or after Close.
func (p *published) set(t *Token, revision uint64) {
	p.mu.Lock()
	if p.serves == nil || !p.serves(t.ID) {
		p.mu.Unlock()
		return
	}
	e := p.entries[t.ID]
	if e == nil {
		e = new(publishedEntry)
		p.entries[t.ID] = e
	}
	p.mu.Unlock()
	e.token.Store(t)
	e.revision.Store(revision)
}

// advance notes that the record of id has a new revision and its token is the
// published one still.
func (p *published) advance(id ID, revision uint64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if e := p.entries[id]; e != nil {
		e.revision.Store(revision)
	}
}

// restrict takes away what serves refuses, and publishes no such thing from
// now on.
func (p *published) restrict(serves func(ID) bool) {
	p.mu.Lock()
	p.serves = serves
	p.mu.Unlock()
	p.keepOnly(serves)
}

// drop takes the token of id away.
func (p *published) drop(id ID) {
	p.mu.Lock()
	delete(p.entries, id)
	p.mu.Unlock()
}

// dropOlder takes the token of id away if it came from an older revision.
func (p *published) dropOlder(id ID, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.entries[id]; e != nil && (revision == 0 || e.revision.Load() < revision) {
		delete(p.entries, id)
	}
}

// keepOnly takes away what keep refuses.
func (p *published) keepOnly(keep func(ID) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.entries {
		if !keep(id) {
			delete(p.entries, id)
		}
	}
}
