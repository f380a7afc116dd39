package bolt

import (
	"context"
	"sync"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// watchBuffer is how many events may wait for one receiver.
const watchBuffer = 256

// watchers are the receivers of events. The zero value is ready to use.
type watchers struct {
	mu     sync.Mutex
	all    map[*watcher]struct{} // guarded by mu
	closed bool                  // guarded by mu
}

type watcher struct {
	bucket string
	events chan storage.Event
	forget func() bool // ends the wait for the context's end

	// overrun is set when the last event in the channel is one with Missed.
	overrun bool // guarded by watchers.mu
}

// Watch implements [storage.Backend]. Besides a slow receiver, a failure of the
// file leads to an event with Missed: a commit that was reported as failed may
// have happened.
func (s *Store) Watch(ctx context.Context, bucket string) (<-chan storage.Event, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	w := &watcher{bucket: bucket, events: make(chan storage.Event, watchBuffer)}
	if !s.watchers.add(ctx, w) {
		return nil, storage.ErrClosed
	}
	return w.events, nil
}

func (ws *watchers) add(ctx context.Context, w *watcher) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.closed {
		return false
	}
	if ws.all == nil {
		ws.all = make(map[*watcher]struct{})
	}
	ws.all[w] = struct{}{}
	w.forget = context.AfterFunc(ctx, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		ws.remove(w)
	})
	return true
}

// remove closes the channel of w, once. The caller holds mu, so that nobody
// sends meanwhile.
func (ws *watchers) remove(w *watcher) {
	if _, ok := ws.all[w]; ok {
		delete(ws.all, w)
		close(w.events)
	}
}

// publish tells e to those who watch its bucket. It never waits for them.
func (ws *watchers) publish(e storage.Event) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		if w.bucket == e.Key.Bucket {
			w.send(e)
		}
	}
}

// missed tells all that they may have missed something.
func (ws *watchers) missed() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		w.send(storage.Event{Missed: true})
	}
}

// send puts e into the channel. The last place there is kept for the word that
// events are missing. While that word waits to be received no other need follow
// it: whoever receives it reads again what e is about.
func (w *watcher) send(e storage.Event) {
	if w.overrun && len(w.events) > 0 {
		return
	}
	if len(w.events) == cap(w.events)-1 {
		e = storage.Event{Missed: true}
	}
	w.overrun = e.Missed
	w.events <- e
}

func (ws *watchers) close() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.closed = true
	for w := range ws.all {
		w.forget()
		ws.remove(w)
	}
}
