package callerkey_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestBehindADamagedPageTheKeyThatSignsIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := w.create("backend", whole)
		grant := w.grant(key, asked(plain))
		for i := range 100 { // so that it is in a page without caller keys
			filler := storage.Key{Bucket: callerkey.Bucket, ID: fmt.Sprintf("s%s-%02d", []string{"a", "z"}[i/50], i)}
			if _, err := w.file.Put(t.Context(), storage.Record{Key: filler, Value: make([]byte, 300)}); err != nil {
				t.Fatal(err)
			}
		}
		w.close()
		lost, err := damagedpage.ClearAll(w.path, damagedpage.Records("s"))
		if err != nil || !strings.Contains(fmt.Sprint(lost), " signing ") {
			t.Fatalf("%q are lost, %v", lost, err)
		}
		w.trouble.Store(0)
		w.open()
		time.Sleep(time.Hour)
		synctest.Wait()
		told := w.trouble.Load()
		w.wantFound(key, "backend")
		w.wantRefused(grant)
		_, _, err = w.Grant(key, asked(plain))
		t.Logf("it was told of %d times in an hour; %d records are lost; Grant returned: %v", told, len(lost), err)
		if told != 1 {
			t.Errorf("it was told of %d times", told)
		}
		if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), "recover the database") {
			t.Errorf("Grant returned %v", err)
		}
	})
}

func TestAKnownKeyThatSignsServesOnWhereDamageHidesIt(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", whole)
	grant := w.grant(key, asked(plain))
	b := &hiding{Backend: w.backend, events: make(chan storage.Event)}
	var told atomic.Int64
	k, err := callerkey.Open(t.Context(), callerkey.Options{Backend: b, Now: w.now, Trouble: func(_ string, err error) {
		if strings.Contains(err.Error(), "signs") {
			told.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	defer close(b.events)
	signer := storage.Key{Bucket: callerkey.Bucket, ID: "signing"}
	// An event is taken when the one before it has been dealt with.
	send := func(e storage.Event) { b.events <- e; b.events <- storage.Event{} }
	b.hidden = signer
	for range 3 {
		send(storage.Event{Missed: true})
		send(storage.Event{Key: signer, Revision: 1})
	}
	if _, ok := k.Find(grant); !ok || told.Load() != 1 {
		t.Errorf("the grant is found: %t; it was told of %d times", ok, told.Load())
	}
	if text, _, err := k.Grant(key, asked(plain)); err != nil || text.Reveal() != grant {
		t.Errorf("another grant: %v", err)
	}

	b.hidden = storage.Key{}
	r, err := w.backend.Get(t.Context(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.backend.Delete(t.Context(), signer, r.Revision); err != nil {
		t.Fatal(err)
	}
	send(storage.Event{Key: signer})
	if _, ok := k.Find(grant); ok {
		t.Error("a grant is found though what signed it is gone")
	}
	t.Logf("it was told of %d times in 6 readings", told.Load())
}

// By another process, for instance.
func TestAKeyThatSignsIsNotInForceWhenItWasDeletedThoughNobodyCanReadThat(t *testing.T) {
	for _, unreadable := range []error{storage.ErrDamaged, storage.ErrUnavailable} {
		w := newWorld(t)
		key := w.create("backend", whole)
		grant := w.grant(key, asked(plain))
		b := &hiding{Backend: w.backend, events: make(chan storage.Event)}
		k, err := callerkey.Open(t.Context(), callerkey.Options{Backend: b, Now: w.now})
		if err != nil {
			t.Fatal(err)
		}
		send := func(e storage.Event) { b.events <- e; b.events <- storage.Event{} }
		signer := storage.Key{Bucket: callerkey.Bucket, ID: "signing"}
		if errors.Is(unreadable, storage.ErrDamaged) {
			b.hidden = signer
		} else {
			w.file.OnGet(func(storage.Key) error { return unreadable })
		}
		send(storage.Event{Key: signer, Revision: 1})
		if _, ok := k.Find(grant); !ok {
			t.Errorf("%v: the grant is not found though nothing was deleted", unreadable)
		}
		send(storage.Event{Key: signer})
		if _, ok := k.Find(grant); ok {
			t.Errorf("%v: a grant is found though what signed it was deleted", unreadable)
		}
		t.Logf("%v: grants end with what signs them", unreadable)
		w.file.OnGet(nil)
		close(b.events)
		k.Close()
	}
}
