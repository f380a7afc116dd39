package tokenstore_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// writes is a storage that remembers what was written to one connection.
type writes struct {
	storage.Backend

	mu   sync.Mutex
	seen []written // guarded by mu
}

type written struct {
	patient bool
	due     time.Time
}

func (b *writes) Put(ctx context.Context, r storage.Record) (uint64, error) {
	if r.Key.ID == demo.String() {
		b.mu.Lock()
		b.seen = append(b.seen, written{storage.Patient(ctx), r.Due})
		b.mu.Unlock()
	}
	return b.Backend.Put(ctx, r)
}

// take returns what was written since it was last called.
func (b *writes) take() []written {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.seen
	b.seen = nil
	return seen
}

func (w *world) watchWrites() *writes {
	w.t.Helper()
	b := new(writes)
	w.around(b, &b.Backend)
	return b
}

// Nobody waits for a refresh in the background, so its writes may wait for those of others. An intent has to be due at once, and what is
// due already stays where it is in the index, since each move costs as much as the record does.
func TestWhatNobodyWaitsForIsWrittenPatientlyAndMovesOnceInTheIndex(t *testing.T) {
	inWorld(t, rotating, nil, func(t *testing.T, w *world) {
		b := w.watchWrites()
		w.connect(demo)
		consent := b.take()
		if len(consent) != 1 || consent[0].patient {
			t.Fatalf("a consent wrote %v", consent)
		}
		due := consent[0].due
		time.Sleep(time.Until(due) - time.Minute)
		w.offset.Add(int64(2 * time.Minute)) // so that it is late
		time.Sleep(time.Minute / 2)
		synctest.Wait()
		background := b.take()
		if len(background) != 2 || !background[0].patient || !background[1].patient {
			t.Fatalf("a refresh in the background wrote %v", background)
		}
		if intent := background[0].due; !intent.Equal(due) {
			t.Errorf("its intent was due at %s, and the connection at %s", intent, due)
		}
		if !background[1].due.After(due) {
			t.Errorf("its outcome is due at %s", background[1].due)
		}

		began := w.now()
		if _, err := w.Refresh(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		asked := b.take()
		if len(asked) != 2 || asked[0].patient || asked[1].patient {
			t.Fatalf("a refresh that was asked for wrote %v", asked)
		}
		if intent := asked[0].due; intent.After(began) || began.Sub(intent) > time.Second {
			t.Errorf("its intent is due %s after it began", intent.Sub(began))
		}
	})
}
