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

// learnUnpurged finds those among the open ones that an earlier process could not put into the index.
func (s *Store) learnUnpurged(open []storage.Record) {
	for _, raw := range open {
		if raw.Value == nil || !raw.Due.IsZero() {
			continue
		}
		p, err := s.openPending(raw)
		if err != nil {
			p.ExpiresAt = s.now() // it is of use to nobody
		}
		s.consents.unpurged.keep(raw.Key, p.ExpiresAt)
	}
}
