package tokenstore

import "sync"

// published is the hot map: the tokens that callers get without any I/O. A
// look-up allocates nothing and holds a read lock for the map access alone.
//
// It holds the connections that were used since the start, at most one entry for
// each stored connection. The garbage collector looks at all of them again and again, so that
// each is to be made of few objects: with many connections it costs more than the look-ups.
type published struct {
	mu     sync.RWMutex
	tokens map[ID]*Token // guarded by mu
	// serves says whose tokens may be published; nobody's if it is nil.
	serves func(ID) bool // guarded by mu
}

// get returns the published token of id, or nil.
func (p *published) get(id ID) *Token {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.tokens[id]
}

// set publishes the token of a record. Only the holder of the connection's
// lease may call it. It does nothing if the token must not be served: a flight may
// end after its provider was taken out of the configuration, or after Close.
func (p *published) set(t *Token, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.serves == nil || !p.serves(t.ID) {
		return
	}
	t.revision = revision
	p.tokens[t.ID] = t
}

// advance notes that the record of id has a new revision and its token is the
// published one still.
func (p *published) advance(id ID, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tokens[id]; t != nil {
		t.revision = revision
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
	delete(p.tokens, id)
	p.mu.Unlock()
}

// dropOlder takes the token of id away if it came from an older revision.
func (p *published) dropOlder(id ID, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tokens[id]; t != nil && (revision == 0 || t.revision < revision) {
		delete(p.tokens, id)
	}
}

// keepOnly takes away what keep refuses.
func (p *published) keepOnly(keep func(ID) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.tokens {
		if !keep(id) {
			delete(p.tokens, id)
		}
	}
}
