package caddymodule

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// The names of the Caddy events that this app emits.
const (
	eventRefreshed     = "token_refreshed"
	eventRefreshFailed = "token_refresh_failed"
	eventConsentNeeded = "consent_needed"
)

const (
	eventQueue = 256             // events that may wait for slow handlers
	eventGrace = 5 * time.Second // how long close waits for those that still wait
)

// eventObserver turns what happens in the store into Caddy events. It emits them
// on a goroutine of its own: handlers run synchronously, and one that starts
// a program may take seconds, while the store must go on.
type eventObserver struct {
	tokenstore.NopObserver

	connectURL func(tokenstore.ID) string
	emit       func(name string, data map[string]any)
	log        *zap.Logger

	queue   chan event
	started chan struct{} // closed when all apps have started
	closing chan struct{} // closed by close
	done    chan struct{} // closed when the goroutine has ended

	startOnce, closeOnce sync.Once
	dropped              atomic.Int64
}

type event struct {
	name string
	data map[string]any
}

// newEventObserver makes the observer of one configuration. It must be called while the app is provisioned, and
// close when the app stops. connectURL tells where a person can give
// the consent for a connection.
func newEventObserver(ctx caddy.Context, connectURL func(tokenstore.ID) string) (*eventObserver, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("loading the events app: %w", err)
	}
	events, ok := app.(*caddyevents.App)
	if !ok {
		return nil, fmt.Errorf("the events app is a %T", app)
	}
	emit := func(name string, data map[string]any) { events.Emit(ctx, name, data) }
	o := startEventObserver(emit, connectURL, ctx.Logger())
	// The events app writes its subscriptions in its Start, and apps start in any
	// order: to emit before all have started would be a data race and could
	// miss handlers. Caddy tells when they have by an event of its own.
	if err := events.On("started", o); err != nil {
		o.close()
		return nil, fmt.Errorf("waiting for the start of the events app: %w", err)
	}
	return o, nil
}

func startEventObserver(emit func(string, map[string]any), connectURL func(tokenstore.ID) string, log *zap.Logger) *eventObserver {
	o := &eventObserver{
		connectURL: connectURL,
		emit:       emit,
		log:        log,
		queue:      make(chan event, eventQueue),
		started:    make(chan struct{}),
		closing:    make(chan struct{}),
		done:       make(chan struct{}),
	}
	go o.run()
	return o
}

// Handle is called when all apps have started. It implements [caddyevents.Handler].
func (o *eventObserver) Handle(context.Context, caddy.Event) error {
	o.startOnce.Do(func() { close(o.started) })
	return nil
}

// close lets the events that wait be emitted, for a few seconds at the most, and
// drops the rest. Events that come later are dropped. Calling it twice is no error.
func (o *eventObserver) close() {
	o.closeOnce.Do(func() { close(o.closing) })
	select {
	case <-o.done:
	case <-time.After(eventGrace):
		o.log.Warn("a handler of events is still at work; events may be lost")
	}
}

// Refreshed emits token_refreshed or token_refresh_failed.
func (o *eventObserver) Refreshed(e tokenstore.RefreshEvent) {
	data := map[string]any{
		"provider":   e.ID.Provider,
		"connection": e.ID.String(),
		"generation": e.Generation,
	}
	if !e.ExpiresAt.IsZero() {
		data["expires_at"] = e.ExpiresAt.UTC().Format(time.RFC3339)
	}
	if e.Err == nil {
		o.enqueue(eventRefreshed, data)
		return
	}
	data["reason"] = e.Reason
	o.enqueue(eventRefreshFailed, data)
}

// ConsentNeeded emits consent_needed.
func (o *eventObserver) ConsentNeeded(e tokenstore.ConsentEvent) {
	o.enqueue(eventConsentNeeded, map[string]any{
		"provider":    e.ID.Provider,
		"connection":  e.ID.String(),
		"reason":      string(e.Reason),
		"connect_url": o.connectURL(e.ID),
	})
}

// enqueue never waits: it is called by the goroutine that refreshes tokens.
func (o *eventObserver) enqueue(name string, data map[string]any) {
	select {
	case <-o.closing:
		return
	default:
	}
	select {
	case o.queue <- event{name, data}:
	default:
		o.dropped.Add(1)
	}
}

func (o *eventObserver) run() {
	defer close(o.done)
	select {
	case <-o.started:
		o.deliverUntilClosing()
	case <-o.closing:
	}
	select {
	case <-o.started:
		o.drain()
	default: // the configuration never came into force
	}
}

func (o *eventObserver) deliverUntilClosing() {
	for {
		select {
		case e := <-o.queue:
			o.deliver(e)
		case <-o.closing:
			return
		}
	}
}

// drain emits what waits, until close gives up on it.
func (o *eventObserver) drain() {
	deadline := time.Now().Add(eventGrace)
	for time.Now().Before(deadline) {
		select {
		case e := <-o.queue:
			o.deliver(e)
		default:
			return
		}
	}
}

func (o *eventObserver) deliver(e event) {
	if n := o.dropped.Swap(0); n > 0 {
		o.log.Warn("events were dropped because their handlers are too slow", zap.Int64("dropped", n))
	}
	defer func() {
		// A handler is foreign code; its panic must not take the server down.
		if p := recover(); p != nil {
			o.log.Error("a handler of events panicked", zap.String("event", e.name), zap.Any("panic", p))
		}
	}()
	o.emit(e.name, e.data)
}

var (
	_ tokenstore.Observer = (*eventObserver)(nil)
	_ caddyevents.Handler = (*eventObserver)(nil)
)
