package tokenstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// unmoved has the due times of connections whose entry in the due index cannot be moved, since the index is damaged there. What
// the index says of them is too early, too late or nothing; this is what holds, until the process ends.
type unmoved struct {
	mu    sync.Mutex
	of    map[ID]time.Time // guarded by mu; the zero time for never
	first time.Time        // guarded by mu: none of them is due before; zero if none is at all
	asked time.Time        // guarded by mu: when due was asked last
}

func (u *unmoved) keep(id ID, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.of == nil {
		u.of = map[ID]time.Time{}
	}
	u.of[id] = at
	u.firstLocked(at)
}

func (u *unmoved) firstLocked(at time.Time) {
	if !at.IsZero() && (u.first.IsZero() || at.Before(u.first)) {
		u.first = at
	}
}

func (u *unmoved) forget(id ID) {
	u.mu.Lock()
	delete(u.of, id)
	u.mu.Unlock()
}

// wanted returns when the connection is to be looked at, the zero time for never. ok is false if the index knows.
func (u *unmoved) wanted(id ID) (at time.Time, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, ok = u.of[id]
	return at, ok
}

// due returns those that are due and that anybody takes, and when to ask again, the zero time if there is nothing to come.
func (u *unmoved) due(now time.Time, takes func(ID) bool) (due []queued, again time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	back := now.Before(u.asked) // the clock was set back
	if u.asked = now; !back && (u.first.IsZero() || u.first.After(now)) {
		return nil, u.first
	}
	u.first = time.Time{}
	for id, at := range u.of {
		switch {
		case at.IsZero():
		case at.After(now):
			u.firstLocked(at)
		default:
			// It remains here until it has another due time.
			if !takes(id) {
				u.firstLocked(now.Add(scheduleSleep))
				continue
			}
			u.firstLocked(now.Add(unmovedPause))
			if len(due) < queueMost {
				due = append(due, queued{id: id, at: at})
			}
		}
	}
	return due, u.first
}

// unmovedPause lies between two looks at what is due and not in the index.
const unmovedPause = time.Second

// putOrLeaveDue stores a record with its due time, or with the one that it has in the storage if that cannot be moved: where the
// due index is damaged, only a record that keeps its place there can be saved, and the grant in it matters more than
// when it is refreshed.
func (r *records) putOrLeaveDue(ctx context.Context, b seal.Binding, plain []byte, st *stored) (uint64, error) {
	revision, err := r.sealer.Put(ctx, b, plain, st.due, st.revision)
	if err == nil {
		st.indexed = st.due
		r.unmoved.forget(st.id)
		return revision, nil
	}
	if !errors.Is(err, storage.ErrDamaged) || st.due.Equal(st.indexed) {
		return 0, err
	}
	revision, left := r.sealer.Put(ctx, b, plain, st.indexed, st.revision)
	if left != nil {
		return 0, errors.Join(err, left)
	}
	r.unmoved.keep(st.id, st.due)
	r.onUnmoved(err)
	return revision, nil
}
