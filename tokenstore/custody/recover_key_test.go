package custody_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// rewrapped makes a database in which the first copy of the keyset is as it was before its encryption key was changed, and the second
// one as it is after that.
func rewrapped(t *testing.T, path string, key, next seal.Key, resealed bool) string {
	t.Helper()
	first := keysetKeys()[0]
	before := mustGet(t, path, first)
	s := open(t, path)
	sealer, err := seal.Open(t.Context(), s, key, tokenstore.SealedBuckets()...)
	must(t, err)
	if resealed {
		must(t, sealer.AddPrimary(t.Context()))
		_, err = sealer.Reseal(t.Context(), seal.ResealOptions{})
		must(t, err)
	}
	must(t, sealer.Rewrap(t.Context(), next))
	must(t, s.Close())
	return rebuilt(t, path, first, before)
}

// A change of the encryption key through the API that was killed between its two writes has not happened, and both keys are
// known to the operator.
func TestRecoverAfterAChangeOfTheKeyThatWasCutShort(t *testing.T) {
	key, next := newKey(t, 1), newKey(t, 2)
	path := rewrapped(t, newDatabase(t, key, 10), key, next, false)
	for name, key := range map[string]seal.Key{"former": key, "next": next} {
		rec := recovery(t, path, key)
		done, err := rec.Run(t.Context())
		if err != nil || !done.Complete() || done.Records != 10+keysets {
			t.Errorf("with the %s key: %+v, %v", name, done, err)
			continue
		}
		if n := sound(t, rec.Into, key); n != 10 {
			t.Errorf("with the %s key: %d records", name, n)
		}
		if a, b := mustGet(t, rec.Into, keysetKeys()[0]), mustGet(t, rec.Into, keysetKeys()[1]); !bytes.Contains(b.Value, a.Value) {
			t.Errorf("with the %s key: the copies differ", name)
		}
	}
	rec := recovery(t, path, newKey(t, 3))
	if _, err := rec.Run(t.Context()); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("with another key: %v", err)
	}
	wantOnly(t, filepath.Dir(rec.Into))
}

// A first copy that lacks a key which records need is not that of a change which was cut short.
func TestRecoverDoesNotTakeAFormerKeyForOneThatIsInUse(t *testing.T) {
	key, next := newKey(t, 1), newKey(t, 2)
	path := rewrapped(t, newDatabase(t, key, 10), key, next, true)
	rec := recovery(t, path, key)
	if done, err := rec.Run(t.Context()); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("with the former key: %+v, %v", done, err)
	}
	wantOnly(t, filepath.Dir(rec.Into))
	rec = recovery(t, path, next)
	done, err := rec.Run(t.Context())
	if err != nil || !done.Complete() || done.Records != 10+keysets {
		t.Errorf("with the key in use: %+v, %v", done, err)
	}
}
