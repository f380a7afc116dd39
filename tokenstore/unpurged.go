package tokenstore

import (
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// unpurged has the consents and login links that the due index could not take, since it is damaged where their entry belongs. The index is
// only there to find those that have expired, and for these this stands in: without it they would count as open for ever.
type unpurged struct {
	mu   sync.Mutex
	ends map[storage.Key]time.Time // guarded by mu
}

func (u *unpurged) keep(key storage.Key, ends time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ends == nil {
		u.ends = map[storage.Key]time.Time{}
	}
	u.ends[key] = ends
}

func (u *unpurged) forget(key storage.Key) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.ends, key)
}

// expired returns those that have ended.
func (u *unpurged) expired(now time.Time) (keys []storage.Key) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, ends := range u.ends {
		if !now.Before(ends) {
			keys = append(keys, key)
		}
	}
	return keys
}

// entries returns what the index would have of them, in no order.
func (u *unpurged) entries() (entries []storage.Due) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, ends := range u.ends {
		entries = append(entries, storage.Due{Key: key, At: ends})
	}
	return entries
}

// left has what the storage has and nobody can use: what has expired, or was used up, where damage keeps it from being deleted. None
// of it counts as open.
type left struct {
	mu   sync.Mutex
	keys map[storage.Key]bool // true: it could not be deleted; guarded by mu
}

// keep notes that it could not be deleted. It reports whether that is new.
func (l *left) keep(key storage.Key) bool { return l.set(key, true) }

// learn notes what was there at the start.
func (l *left) learn(key storage.Key) { l.set(key, false) }

func (l *left) set(key storage.Key, stays bool) (isNew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys == nil {
		l.keys = map[storage.Key]bool{}
	}
	stayed, known := l.keys[key]
	l.keys[key] = stays || stayed
	return !known
}

// forget reports whether it was there.
func (l *left) forget(key storage.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.keys[key]
	delete(l.keys, key)
	return known
}

func (l *left) has(key storage.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.keys[key]
	return known
}

// stays reports whether it is no use to try to delete it.
func (l *left) stays(key storage.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys[key]
}

// learnPending returns how many of those in the storage are open. It finds those that the index does not have, or may not have if it
// is damaged; and those that only the index has, since damage hides them, which must not be taken for open ones later.
func (s *Store) learnPending(found []storage.Record, index []storage.Due, damaged bool) (open int64) {
	seen := make(map[storage.Key]bool, len(found))
	for _, raw := range found {
		seen[raw.Key] = true
		p, err := s.openPending(raw)
		if err != nil {
			p.ExpiresAt = raw.Due // it is of use to nobody
		}
		if raw.Value == nil || p.Used || !s.now().Before(p.ExpiresAt) {
			s.consents.left.learn(raw.Key)
		} else {
			open++
		}
		if raw.Value != nil && (damaged || raw.Due.IsZero()) {
			s.consents.unpurged.keep(raw.Key, p.ExpiresAt)
		}
	}
	for _, e := range index {
		if !seen[e.Key] {
			s.consents.left.learn(e.Key)
		}
	}
	return open
}
