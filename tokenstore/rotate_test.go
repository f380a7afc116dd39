package tokenstore_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// wantRotated fails if there is an older key, or a record that is sealed under one.
func (w *world) wantRotated(records int) {
	w.t.Helper()
	if r := w.Rotation(); r.Running || r.OlderKeys != 0 || r.Trouble != nil || r.Unreadable != 0 || r.Checked < records {
		w.t.Errorf("%+v, want %d records checked", r, records)
	}
}

func (w *world) awaitRotation() {
	w.t.Helper()
	for range 600 {
		if !w.Rotation().Running {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("it does not end: %+v", w.Rotation())
}

func TestTokensAreServedAndRefreshedWhileTheKeyIsRotated(t *testing.T) {
	o := standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}
	inWorld(t, o, nil, func(t *testing.T, w *world) {
		ids := w.connectMany(40)
		consent := w.begin(demo)
		ticket, _, err := w.IssueTicket(t.Context(), demo)
		if err != nil {
			t.Fatal(err)
		}
		before := map[tokenstore.ID][]byte{}
		for _, id := range ids {
			before[id] = w.raw(id).Value
		}
		// Each of these asks for a refresh at the same time as its record is sealed anew.
		done := make(chan error, len(ids))
		for _, id := range ids {
			go func() {
				for range 5 {
					if _, err := w.Refresh(t.Context(), id); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		if err := w.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range ids {
			if err := <-done; err != nil {
				t.Errorf("a refresh beside the rotation: %v", err)
			}
		}
		w.awaitRotation()
		w.wantRotated(len(ids))
		for _, id := range ids {
			tok, err := w.Token(t.Context(), id, tokenstore.Want{})
			if err != nil || !w.accepted(tok) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if err := w.RedeemTicket(t.Context(), demo, ticket); err != nil {
			t.Errorf("the login link: %v", err)
		}
		if _, err := w.FinishConsent(t.Context(), w.approve(consent)); err != nil {
			t.Errorf("the consent: %v", err)
		}
		// The former key is of no use any more.
		w.put(ids[0], before[ids[0]])
		w.restart()
		if _, err := w.Token(t.Context(), ids[0], tokenstore.Want{}); !errors.Is(err, tokenstore.ErrDamagedRecord) {
			t.Errorf("a record of the former key: %v", err)
		}
	})
}

func TestOnlyOneRotationRunsAtATime(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		w.connectMany(3)
		hold := make(chan struct{})
		w.backend.OnPut(func(r storage.Record) error {
			if r.Key.Bucket == "connections" {
				<-hold
			}
			return nil
		})
		if err := w.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.RotateKey(t.Context()); !errors.Is(err, tokenstore.ErrRotationRunning) {
			t.Errorf("a second one: %v", err)
		}
		close(hold)
		w.awaitRotation()
		w.wantRotated(3)
		w.backend.OnPut(nil)
		if err := w.RotateKey(t.Context()); err != nil {
			t.Errorf("after it has ended: %v", err)
		}
		w.awaitRotation()
		w.wantRotated(3)
	})
}

func TestARotationOutlastsAFullDisk(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: 100 * time.Hour}, nil, func(t *testing.T, w *world) {
		w.connectMany(3)
		w.backend.FailPuts(-1, storage.ErrUnavailable)
		if err := w.RotateKey(t.Context()); !errors.Is(err, storage.ErrUnavailable) || w.Rotation().Running {
			t.Errorf("RotateKey returned %v", err)
		}
		w.backend.FailPuts(0, nil)
		w.backend.OnPut(func(r storage.Record) error {
			if r.Key.Bucket == "connections" {
				return storage.ErrUnavailable
			}
			return nil
		})
		if err := w.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if r := w.Rotation(); !r.Running || r.Trouble == nil || r.OlderKeys != 1 {
			t.Errorf("while the disk is full: %+v", r)
		}
		w.backend.OnPut(nil)
		w.awaitRotation()
		w.wantRotated(3)
	})
}

// A rotation that is cut short at each of its writes goes on with the next start.
func TestARotationGoesOnAfterACrash(t *testing.T) {
	const connections = 4
	for at := range 2 + connections + 2 { // the keyset is written twice
		inWorld(t, standin.Options{AccessLifetime: 100 * time.Hour}, nil, func(t *testing.T, w *world) {
			ids := w.connectMany(connections)
			var n atomic.Int32
			w.backend.OnPut(func(storage.Record) error {
				if n.Add(1) > int32(at) {
					return storage.ErrUnavailable
				}
				return nil
			})
			err := w.RotateKey(t.Context())
			if begun := err == nil; begun != (at > 1) {
				t.Fatalf("%d writes: %v", at, err)
			}
			time.Sleep(time.Second)
			w.crash()
			w.open()
			w.awaitRotation()
			if r := w.Rotation(); r.OlderKeys != 0 {
				t.Errorf("%d writes: %+v", at, r)
			}
			for _, id := range ids {
				if tok, err := w.Token(t.Context(), id, tokenstore.Want{}); err != nil || !w.accepted(tok) {
					t.Errorf("%d writes: %s: %v", at, id, err)
				}
			}
		})
	}
}
