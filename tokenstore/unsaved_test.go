package tokenstore_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestAWriteThatHappenedThoughItWasReportedAsFailedEndsWell(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		before := w.server.Refreshes()
		w.backend.AfterPut(func(storage.Record) error {
			if w.server.Refreshes() > before {
				return storage.ErrUnavailable
			}
			return nil
		})
		if tok := w.token(); !w.accepted(tok) || w.Health().Unsaved != 1 {
			t.Errorf("health is %+v", w.Health())
		}
		time.Sleep(10 * time.Second)
		w.backend.AfterPut(nil)
		time.Sleep(3 * time.Second)
		if h := w.Health(); h.Unsaved != 0 || h.Storage != nil {
			t.Errorf("health is %+v after the storage is back", h)
		}
		time.Sleep(5 * time.Hour)
		if tok := w.token(); !w.accepted(tok) || tok.Generation != 3 {
			t.Errorf("generation %d after the next refresh", tok.Generation)
		}
		w.wantRefreshes(2)
	})
}

func TestWhatIsUnsavedIsDeletedWithItsConnection(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		failAfterTheAnswer(w)
		w.token()
		if err := w.Delete(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		w.backend.OnPut(nil)
		time.Sleep(time.Minute)
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("Token returned %v", err)
		}
		if h := w.Health(); h.Unsaved != 0 {
			t.Errorf("health is %+v", h)
		}
	})
}

func TestCloseSavesWhatIsUnsavedThoughItsContextHasEnded(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		failAfterTheAnswer(w)
		w.token()
		w.backend.OnPut(nil)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_ = w.Close(ended)
		w.open()
		if tok := w.token(); tok.Generation != 2 || !w.accepted(tok) {
			t.Errorf("generation %d is in the file", tok.Generation)
		}
		w.wantRefreshes(1)
	})
}

func TestManyUnsavedTokensAreAllServedAndAllSaved(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		ids := w.connectMany(50)
		time.Sleep(3 * time.Hour)
		// Intents are taken, outcomes are not: the second write of each refresh fails.
		w.backend.AfterPut(func(storage.Record) error {
			w.backend.FailPuts(1, storage.ErrUnavailable)
			return nil
		})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(w.seen.unsaved) == 0 {
			t.Error("nothing was ever unsaved")
		}
		w.backend.AfterPut(nil)
		w.backend.FailPuts(0, nil)
		time.Sleep(time.Minute)
		if h := w.Health(); h.Unsaved != 0 {
			t.Errorf("health is %+v", h)
		}
		for _, id := range ids {
			if tok, err := w.Token(t.Context(), id, tokenstore.Want{}); err != nil || !w.accepted(tok) {
				t.Errorf("%s: %v", id, err)
			}
		}
		for _, f := range w.server.Families() {
			if f.Revoked {
				t.Errorf("grant %d is gone: %s", f.ID, f.Reason)
			}
		}
	})
}
