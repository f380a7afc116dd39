package tokenstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// usePending uses it up. Of two who try, one gets ErrInvalidConsent.
func (s *Store) usePending(ctx context.Context, p pending) error {
	// Who goes away must not leave it used up, and neither counted nor of use to anybody.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitDeadline)
	defer cancel()
	counted, err := s.endPending(ctx, p)
	if counted && s.consents.counted.Load() {
		s.consents.open.Add(-1)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: it was used already", ErrInvalidConsent)
	}
	return err
}

// endPending takes what is open out of the storage, or marks it as used up where damage keeps it there. Of two who try,
// one gets storage.ErrNotFound. counted: until now it counted as open, and the caller has its place.
func (s *Store) endPending(ctx context.Context, p pending) (counted bool, err error) {
	for !p.Used {
		err = s.backend.Delete(ctx, p.key, p.revision)
		marked := false
		if errors.Is(err, storage.ErrDamaged) {
			err = s.markUsed(ctx, p)
			marked = err == nil
		}
		switch {
		case marked:
			return s.consents.left.keep(p.key), nil
		case err == nil:
			s.consents.unpurged.forget(p.key)
			return !s.consents.left.forget(p.key), nil
		case errors.Is(err, storage.ErrConflict):
			// Its key is a digest of a secret that is used once, so all that can have changed is
			// the key that it is sealed under, or that it is used up.
			var raw storage.Record
			if raw, err = s.backend.Get(ctx, p.key); err == nil {
				p, err = s.openPending(raw)
			}
		}
		if errors.Is(err, storage.ErrNotFound) {
			s.consents.unpurged.forget(p.key)
			s.consents.left.forget(p.key)
		}
		if err != nil {
			return false, err
		}
	}
	// Whoever marked it may not have learnt that.
	return s.consents.left.keep(p.key), storage.ErrNotFound
}

// markUsed writes over what cannot be deleted, since the index would have to change for that, or pages beside its own. With the same due
// time they need not.
func (s *Store) markUsed(ctx context.Context, p pending) error {
	plain, err := json.Marshal(pending{ExpiresAt: p.ExpiresAt, Used: true})
	if err != nil {
		return err
	}
	_, err = s.records.sealer.Put(ctx, seal.Binding{Bucket: p.key.Bucket, ID: p.key.ID}, plain, p.due, p.revision)
	return err
}
