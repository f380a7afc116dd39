package tokenstore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestADamagedCopyOfTheKeysetIsToldAndLosesNoGrant(t *testing.T) {
	for name, pick := range map[string]func(first, second storage.Key) storage.Key{
		"the first":  func(first, _ storage.Key) storage.Key { return first },
		"the second": func(_, second storage.Key) storage.Key { return second },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
				w.connect(demo)
				r, err := w.backend.Get(t.Context(), pick(seal.KeysetKeys()))
				if err != nil {
					t.Fatal(err)
				}
				clear(r.Value)
				if _, err := w.backend.Put(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				for _, told := range []int{1, 0} { // the second start has nothing to tell
					l := w.listen()
					w.restart()
					if !w.accepted(w.token()) {
						t.Error("the token is not accepted")
					}
					n := len(slices.DeleteFunc(l.troubles(), func(text string) bool { return !strings.HasPrefix(text, "reading the keyset: ") }))
					if n != told {
						t.Errorf("told %d times, want %d", n, told)
					}
				}
			})
		})
	}
}
