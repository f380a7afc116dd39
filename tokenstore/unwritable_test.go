package tokenstore_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// inUnwritable runs a test on a store of some connections. Of one of them, a bit in the file is flipped so that the record can be read, and
// bbolt does not write it.
func inUnwritable(t *testing.T, test func(t *testing.T, w *world, ids []tokenstore.ID, stuck tokenstore.ID)) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		ids := w.connectMany(40)
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		marked, err := damagedpage.Mark(w.path, damagedpage.Records(demo.Provider+"/"))
		if err != nil {
			t.Fatal(err)
		}
		stuck, err := tokenstore.ParseID(marked)
		if err != nil {
			t.Fatal(err)
		}
		w.open()
		synctest.Wait()
		test(t, w, ids, stuck)
	})
}

// recover ends the store, and goes on with what can be recovered of its file.
func (w *world) recover() {
	w.t.Helper()
	if err := w.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	r := custody.Recover{Database: w.path, Into: filepath.Join(w.t.TempDir(), "recovered.db"), Key: w.key, Now: w.now()}
	done, err := r.Run(w.t.Context())
	if err != nil || !done.Complete() {
		w.t.Fatalf("recovered %+v, %v", done, err)
	}
	w.path = done.Path
	w.open()
}

func TestARecordThatCannotBeWrittenIsToldAsDamagedAndServesUntilItExpires(t *testing.T) {
	inUnwritable(t, func(t *testing.T, w *world, ids []tokenstore.ID, stuck tokenstore.ID) {
		wantTold := func() {
			t.Helper()
			s, err := w.Status(t.Context(), stuck)
			if err != nil || !s.Damaged || !s.Unwritable || s.State != "" || !s.NextRefresh.IsZero() || s.ExpiresAt.IsZero() {
				t.Errorf("status: %+v, %v", s, err)
			}
			list, _, err := w.List(t.Context(), "", "", 1000)
			if err != nil || len(list) != len(ids) {
				t.Errorf("%d are listed: %v", len(list), err)
			}
			for _, s := range list {
				if s.Damaged != (s.ID == stuck) || s.Unwritable != s.Damaged {
					t.Errorf("in the list: %+v", s)
				}
			}
			if n := w.Census()[demo.Provider][tokenstore.StateReady]; n != len(ids)-1 {
				t.Errorf("the census counts %d of %d", n, len(ids))
			}
		}
		wantTold()
		served := 0
		for ; ; served++ {
			tok, err := w.Token(t.Context(), stuck, tokenstore.Want{})
			if err != nil {
				if !errors.Is(err, tokenstore.ErrDamagedRecord) || !errors.Is(err, tokenstore.ErrUnwritable) {
					t.Errorf("Token returned %v", err)
				}
				break
			}
			if !w.accepted(tok) {
				t.Error("the token is not accepted")
			}
			time.Sleep(time.Minute)
		}
		wantTold()
		failed := 0
		for _, e := range w.seen.refreshes {
			if e.Err != nil {
				failed++
			}
			if (e.Err != nil) != (e.ID == stuck) || e.Err != nil && !errors.Is(e.Err, tokenstore.ErrUnwritable) {
				t.Errorf("a refresh: %+v", e)
			}
		}
		t.Logf("served for %d minutes; %d refreshes, %d of which were told to have failed", served, len(w.seen.refreshes), failed)
		if served < 59 || failed == 0 || failed > 20 || w.server.Refreshes() < len(ids)-1 {
			t.Errorf("the server saw %d refreshes of %d", w.server.Refreshes(), len(ids)-1)
		}
		if h := w.Health(); h.Storage != nil {
			t.Errorf("the storage is told to fail: %v", h.Storage)
		}
		w.recover()
		if tok, err := w.Token(t.Context(), stuck, tokenstore.Want{}); err != nil || !w.accepted(tok) {
			t.Errorf("after the recovery: %v", err)
		}
	})
}

func TestNothingIsSpentOnARecordThatCannotBeWritten(t *testing.T) {
	inUnwritable(t, func(t *testing.T, w *world, _ []tokenstore.ID, stuck tokenstore.ID) {
		before, consent := w.server.Refreshes(), w.approve(w.begin(stuck))
		for what, try := range map[string]func() error{
			"Refresh":       func() error { _, err := w.Refresh(t.Context(), stuck); return err },
			"Import":        func() error { return w.Import(t.Context(), stuck, tokenstore.Import{AccessToken: "a"}) },
			"FinishConsent": func() error { _, err := w.FinishConsent(t.Context(), consent); return err },
			"Delete":        func() error { return w.Delete(t.Context(), stuck) },
		} {
			if err := try(); !errors.Is(err, tokenstore.ErrUnwritable) || !errors.Is(err, tokenstore.ErrDamagedRecord) {
				t.Errorf("%s returned %v", what, err)
			}
		}
		if w.server.Refreshes() != before || w.exchanges() != 0 {
			t.Errorf("%d refresh tokens and %d codes were spent", w.server.Refreshes()-before, w.exchanges())
		}
		if tok, err := w.Token(t.Context(), stuck, tokenstore.Want{}); err != nil || !w.accepted(tok) {
			t.Errorf("the grant was revoked: %v", err)
		}
	})
}

func TestARotationTellsOfARecordThatCannotBeWrittenAndEndsWhenItIsRecovered(t *testing.T) {
	inUnwritable(t, func(t *testing.T, w *world, ids []tokenstore.ID, stuck tokenstore.ID) {
		began := time.Now()
		if err := w.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.awaitRotation()
		r := w.Rotation()
		t.Logf("%d records were looked at, %d sealed anew, %d unreadable: %v", r.Checked, r.Resealed, r.Unreadable, r.Trouble)
		if r.OlderKeys != 1 || r.Unreadable != 0 || r.Resealed != len(ids)-1 || !errors.Is(r.Trouble, storage.ErrDamaged) {
			t.Errorf("%+v", r)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s to say so", took)
		}
		if n := len(w.seen.troubles); n != 1 || !strings.Contains(w.seen.troubles[0], stuck.String()) {
			t.Errorf("it was told of %d times: %q", n, w.seen.troubles)
		}
		w.recover() // which makes it go on
		w.awaitRotation()
		w.wantRotated(len(ids))
	})
}
