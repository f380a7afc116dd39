package tokenstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// publishedTurn is how long a token stays in memory at least, once it was used or renewed; twice that at
// most, if nobody asks for it. It is longer than a flight, so that whoever waits for one finds the present token at its end.
const publishedTurn = 2 * time.Minute

// published is the hot map: the tokens that callers get without any I/O. A
// look-up allocates nothing and holds a read lock for the map access alone.
//
// It holds the connections that are in use. The garbage collector looks at all of its tokens again and again, which
// with many connections costs more than everything else; to read the record of one that was idle costs some microseconds, once.
type published struct {
	mu sync.RWMutex
	// recent are the tokens that were used or renewed in this turn, and earlier those of the
	// turn before that were not used since. No token is in both.
	recent, earlier map[ID]*Token // guarded by mu
	// doubted are tokens that somebody else may have replaced, unnoticed. Their records are read again; these serve
	// where that cannot be done.
	doubted map[ID]*Token // guarded by mu
	// serves says whose tokens may be published; nobody's if it is nil.
	serves func(ID) bool // guarded by mu
}

func newPublished() *published { return &published{recent: map[ID]*Token{}} }

// get returns the published token of id, or nil.
func (p *published) get(id ID) *Token {
	p.mu.RLock()
	t := p.recent[id]
	stays := t != nil || p.earlier[id] == nil
	p.mu.RUnlock()
	if stays {
		return t
	}
	return p.promote(id)
}

// promote returns the published token of id, or nil, and has it stay.
func (p *published) promote(id ID) *Token {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.earlier[id]
	if t == nil { // somebody was quicker
		return p.recent[id]
	}
	delete(p.earlier, id)
	p.recent[t.ID] = t
	t.noted.Store(false) // that it is used in this turn too
	return t
}

// findLocked returns the published token of id, or nil.
func (p *published) findLocked(id ID) *Token {
	if t := p.recent[id]; t != nil {
		return t
	}
	return p.earlier[id]
}

func (p *published) deleteLocked(id ID) {
	delete(p.recent, id)
	delete(p.earlier, id)
	delete(p.doubted, id)
}

// turn lets go of what nobody has used since the turn before.
func (p *published) turn() {
	p.mu.Lock()
	p.earlier, p.recent, p.doubted = p.recent, map[ID]*Token{}, nil
	p.mu.Unlock()
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
	p.deleteLocked(t.ID)
	p.recent[t.ID] = t
}

// advance notes that the record of id has a new revision and its token is the
// published one still.
func (p *published) advance(id ID, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.findLocked(id); t != nil {
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
	p.deleteLocked(id)
	p.mu.Unlock()
}

// dropOlder takes the token of id away if it came from an older revision.
func (p *published) dropOlder(id ID, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.findLocked(id); t != nil && (revision == 0 || t.revision < revision) {
		p.deleteLocked(id)
	}
}

// keepOnly takes away what keep refuses.
func (p *published) keepOnly(keep func(ID) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tokens := range []map[ID]*Token{p.recent, p.earlier, p.doubted} {
		for id := range tokens {
			if !keep(id) {
				delete(tokens, id)
			}
		}
	}
}

// doubt has every record read again before its token is served, unless sure knows better.
func (p *published) doubt(sure func(ID) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tokens := range []map[ID]*Token{p.recent, p.earlier} {
		for id, t := range tokens {
			if sure(id) {
				continue
			}
			if p.doubted == nil {
				p.doubted = map[ID]*Token{}
			}
			p.doubted[id] = t
			delete(tokens, id)
		}
	}
}

// lastResort returns the token of id that is there, or that was until it was doubted, or nil.
func (p *published) lastResort(id ID) *Token {
	if t := p.get(id); t != nil {
		return t
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.doubted[id]
}

// runTurns lets go of the tokens that nobody uses, unless the storage is out of order: then they may be all there is.
func (s *Store) runTurns(ctx context.Context) {
	tick := time.NewTicker(publishedTurn)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if h := s.Health(); h.Storage == nil && h.Unsaved == 0 && s.storageReads(ctx) {
			s.published.turn()
		}
	}
}

// storageReads reports whether the storage can be read: it looks for a record that is none.
func (s *Store) storageReads(ctx context.Context) bool {
	_, err := s.backend.Get(ctx, storage.Key{Bucket: bucketConnections, ID: "-"})
	return err == nil || errors.Is(err, storage.ErrNotFound)
}
