package callerkey

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const (
	signerSize = 32 // bytes of the key that signs grants

	// signerDeadline bounds how long the first grant waits for that key to be stored.
	signerDeadline = 10 * time.Second
)

var signerKey = storage.Key{Bucket: Bucket, ID: idSigner}

// signer signs grants. All processes at one storage have the same.
type signer struct{ key []byte }

// sign returns the signature of text, as text.
func (s *signer) sign(text string) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = io.WriteString(mac, text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verifies compares texts, so that a signature can be written in one way only.
func (s *signer) verifies(text, signature string) bool {
	return hmac.Equal([]byte(s.sign(text)), []byte(signature))
}

// readSigner learns the stored signer; if it is gone there is none. Damage does not pass, and is no error: a signer that is known signs on,
// so that the grants of pages do not all end at once, unless it is known to have been deleted. It is a problem when it is new. The caller
// holds mu.
func (k *Keys) readSigner(ctx context.Context, deleted bool) (problem, err error) {
	s, err := k.loadSigner(ctx)
	if deleted && err != nil {
		k.signer.Store(nil) // if it was made again meanwhile, a later reading finds that
	}
	switch {
	case errors.Is(err, storage.ErrDamaged):
		if k.signerDamaged {
			return nil, nil
		}
		k.signerDamaged = true
		return k.signerProblem(ctx, err), nil
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	k.signerDamaged = false
	k.signer.Store(s)
	return nil, nil
}

// signerProblem says what becomes of the grants, since the stored signer cannot be read.
func (k *Keys) signerProblem(ctx context.Context, damage error) error {
	const what = "the key that signs grants for pages cannot be read"
	_, lost := k.look(ctx, signerKey)
	switch {
	case k.signer.Load() != nil:
		return fmt.Errorf("%s any more: it signs on until the next start, before which you should recover the database: %w", what, damage)
	case lost == nil:
		return fmt.Errorf("%s: another one takes its place with the next grant: %w", what, damage)
	}
	return errSignerHidden(damage)
}

// errSignerHidden is of a signer that can neither be read nor replaced.
func errSignerHidden(damage error) error {
	return fmt.Errorf("the key that signs grants for pages cannot be read or replaced: recover the database, there are no grants until then: %w", damage)
}

// loadSigner returns storage.ErrNotFound if there is none.
func (k *Keys) loadSigner(ctx context.Context) (*signer, error) {
	r, err := k.backend.Get(ctx, signerKey)
	if err != nil {
		return nil, err
	}
	var rec signerRecord
	if err := decodeStrictly(r.Value, &rec); err != nil || rec.Version != recordVersion || len(rec.Key) != signerSize {
		// It was opened, so that it is whole. A newer release has written it, which would
		// not be helped by another one in its place.
		return nil, fmt.Errorf("key that signs grants: %w", errEncoding)
	}
	return &signer{key: rec.Key}, nil
}

// needSigner returns the signer, and makes it if there is none.
func (k *Keys) needSigner() (*signer, error) {
	if s := k.signer.Load(); s != nil {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), signerDeadline)
	defer cancel()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, storage.ErrClosed
	}
	for range removeAttempts {
		s, err := k.loadSigner(ctx)
		if errors.Is(err, storage.ErrDamaged) {
			// The grants that it signed are lost, which pages ask for again.
			switch err := k.remove(ctx, signerKey); {
			case errors.Is(err, storage.ErrDamaged):
				return nil, errSignerHidden(err)
			case err != nil && !errors.Is(err, storage.ErrNotFound):
				return nil, err
			}
			err = storage.ErrNotFound
		}
		if errors.Is(err, storage.ErrNotFound) {
			s, err = k.makeSigner(ctx)
		}
		if errors.Is(err, storage.ErrConflict) {
			continue // another process made it
		}
		if err == nil {
			k.signer.Store(s)
		}
		return s, err
	}
	return nil, storage.ErrConflict
}

func (k *Keys) makeSigner(ctx context.Context) (*signer, error) {
	s := &signer{key: make([]byte, signerSize)}
	if _, err := io.ReadFull(k.random, s.key); err != nil {
		return nil, fmt.Errorf("reading random bytes: %w", err)
	}
	value, err := json.Marshal(signerRecord{Version: recordVersion, Key: s.key})
	if err != nil {
		return nil, err
	}
	_, err = k.backend.Put(ctx, storage.Record{Key: signerKey, Value: value})
	return s, err
}
