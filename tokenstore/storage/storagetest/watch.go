package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

var watchSentences = []sentence{
	{"changes of the bucket are reported in their order", func(t *testing.T, b storage.Backend) {
		events := mustWatch(t, t.Context(), b)
		first := mustPut(t, b, record("a"))
		second := mustPut(t, b, first)
		other := mustPut(t, b, record("b"))
		mustDelete(t, b, second)
		for _, want := range []storage.Event{
			{Key: first.Key, Revision: first.Revision},
			{Key: second.Key, Revision: second.Revision},
			{Key: other.Key, Revision: other.Revision},
			{Key: second.Key},
		} {
			if diff := cmp.Diff(want, receive(t, events)); diff != "" {
				t.Errorf("event differs (-want +got):\n%s", diff)
			}
		}
	}},
	{"other buckets and refused changes are not reported", func(t *testing.T, b storage.Backend) {
		r := mustPut(t, b, record("a"))
		events := mustWatch(t, t.Context(), b)
		mustPut(t, b, storage.Record{Key: storage.Key{Bucket: "other", ID: "a"}})
		_, err := b.Put(t.Context(), record("a"))
		wantError(t, "Put", err, storage.ErrConflict)
		wantError(t, "Delete", b.Delete(t.Context(), r.Key, r.Revision+1), storage.ErrConflict)
		last := mustPut(t, b, r)
		want := storage.Event{Key: last.Key, Revision: last.Revision}
		if diff := cmp.Diff(want, receive(t, events)); diff != "" {
			t.Errorf("first event differs (-want +got):\n%s", diff)
		}
	}},
	{"what an event reports can be read", func(t *testing.T, b storage.Backend) {
		events := mustWatch(t, t.Context(), b)
		go func() { _, _ = b.Put(t.Context(), record("a")) }()
		e := receive(t, events)
		if got := mustGet(t, b, e.Key).Revision; got != e.Revision {
			t.Errorf("event has revision %d, record has %d", e.Revision, got)
		}
	}},
	{"each watcher gets all changes", func(t *testing.T, b storage.Backend) {
		first, second := mustWatch(t, t.Context(), b), mustWatch(t, t.Context(), b)
		mustPut(t, b, record("a"))
		if diff := cmp.Diff(receive(t, first), receive(t, second)); diff != "" {
			t.Errorf("events differ:\n%s", diff)
		}
	}},
	{"a slow receiver hinders no write and is told that it missed events", checkSlow},
	{"the channel is closed when the context ends", func(t *testing.T, b storage.Backend) {
		ctx, cancel := context.WithCancel(t.Context())
		events := mustWatch(t, ctx, b)
		cancel()
		wantClosed(t, events)
		mustPut(t, b, record("a"))
	}},
	{"the channel is closed when the backend closes", func(t *testing.T, b storage.Backend) {
		events := mustWatch(t, t.Context(), b)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, events)
	}},
}

// checkSlow writes until the channel can hold no more, then reads as the
// contract says: after Missed everything is read again. What it knows then must
// be what is stored.
func checkSlow(t *testing.T, b storage.Backend) {
	events := mustWatch(t, t.Context(), b)
	var last storage.Record
	for i := range cap(events) + 10 {
		last = mustPut(t, b, record(fmt.Sprint(i)))
	}
	sentinel := mustPut(t, b, storage.Record{Key: key("last")})

	known := make(map[string]uint64)
	for missed := false; known["last"] != sentinel.Revision; {
		e := receive(t, events)
		if !e.Missed {
			known[e.Key.ID] = e.Revision
			missed = false
			continue
		}
		if missed {
			t.Fatal("told twice that events were missed, with no event between")
		}
		missed = true
		if e.Key != (storage.Key{}) || e.Revision != 0 {
			t.Errorf("event with Missed has more: %+v", e)
		}
		list, err := b.List(t.Context(), "connections", "", "", cap(events)+20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			known[r.Key.ID] = r.Revision
		}
	}
	if known[last.Key.ID] != last.Revision {
		t.Errorf("record %v was missed without notice", last.Key)
	}

	after := mustPut(t, b, sentinel) // events go on
	for e := receive(t, events); e.Revision != after.Revision; e = receive(t, events) {
		if e.Missed {
			t.Error("told that events were missed, but the channel had room")
		}
	}
}

func mustWatch(t *testing.T, ctx context.Context, b storage.Backend) <-chan storage.Event {
	t.Helper()
	events, err := b.Watch(ctx, "connections")
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	return events
}

func receive(t *testing.T, events <-chan storage.Event) storage.Event {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the channel of events was closed")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event")
	}
	return storage.Event{}
}

func wantClosed(t *testing.T, events <-chan storage.Event) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-timeout:
			t.Fatal("the channel of events was not closed")
		}
	}
}
