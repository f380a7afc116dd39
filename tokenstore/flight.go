package tokenstore

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// flightDeadline bounds the whole of a flight: the storage, the wait for the
// provider's turn, and at most two conversations with the authorization server,
// each with a shorter deadline of its own.
const flightDeadline = 90 * time.Second

// flights makes sure that one job at a time works on a connection, and that no
// caller can end it: a refresh on the wire is the only copy of the next
// refresh token.
type flights struct {
	wg      sync.WaitGroup
	closing context.Context // done when no new flight may start

	mu     sync.Mutex
	end    context.CancelFunc // guarded by mu: of closing
	flying map[ID]*flight     // guarded by mu
}

func newFlights() *flights {
	f := &flights{flying: make(map[ID]*flight)}
	f.closing, f.end = context.WithCancel(context.Background())
	return f
}

type flight struct {
	done  chan struct{} // closed when token and err are set
	token *Token
	err   error
	// alone: its outcome concerns nobody but who started it.
	alone bool
	// then, if not nil, is called when there is room for the next flight.
	then func() // guarded by flights.mu
}

// job is what a flight does.
type job struct {
	run func(context.Context) (*Token, error)
	// alone: whoever joins the flight can only wait for its end.
	alone bool
	// landed, if not nil, is called when there is room for the next flight.
	landed func(error)
}

// join returns the flight of id, and starts one with j if there is none.
// started tells which. The job runs on a goroutine and a context of its own.
func (f *flights) join(id ID, j job) (fl *flight, started bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.flying[id]; fl != nil {
		return fl, false, nil
	}
	if f.closing.Err() != nil {
		return nil, false, ErrClosed
	}
	fl = &flight{done: make(chan struct{}), alone: j.alone}
	f.flying[id] = fl
	f.wg.Go(func() {
		fl.token, fl.err = guarded(j.run)
		f.land(id, fl)
		if j.landed != nil {
			j.landed(fl.err)
		}
	})
	return fl, true, nil
}

// land makes room for the next flight before it tells the waiting callers, so that
// none of them joins a flight that is over.
func (f *flights) land(id ID, fl *flight) {
	f.mu.Lock()
	delete(f.flying, id)
	then := fl.then
	f.mu.Unlock()
	close(fl.done)
	if then != nil {
		then()
	}
}

// guarded runs job with the flight's deadline, and turns a panic into an error:
// a fault in one connection's refresh must not end the process.
func guarded(job func(context.Context) (*Token, error)) (t *Token, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), flightDeadline)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, &panicError{stack: debug.Stack()}
		}
	}()
	return job(ctx)
}

// panicError keeps the stack and not the panic's value, which might be a secret.
type panicError struct{ stack []byte }

func (e *panicError) Error() string { return fmt.Sprintf("panic in a refresh:\n%s", e.stack) }

// wait returns the outcome of the flight, or the context's error if it ends first.
func (fl *flight) wait(ctx context.Context) (*Token, error) {
	select {
	case <-fl.done:
		return fl.token, fl.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// has reports whether a job works on id.
func (f *flights) has(id ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flying[id] != nil
}

// behind reports whether a job works on id. If so, then is called when that is over.
func (f *flights) behind(id ID, then func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.flying[id]
	if fl == nil {
		return false
	}
	fl.then = then
	return true
}

// alone runs job as the flight of id, after the one under way if there is one,
// and waits for it. It is for what must not be mixed with somebody else's job:
// an import, a deletion, the end of a consent.
func (f *flights) alone(ctx context.Context, id ID, run func(context.Context) error) error {
	j := job{alone: true, run: func(ctx context.Context) (*Token, error) { return nil, run(ctx) }}
	for {
		fl, started, err := f.join(id, j)
		if err != nil {
			return err
		}
		_, err = fl.wait(ctx)
		if started {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// queueing returns a context for a flight to wait for its turn with: what has not begun when the store closes, nobody waits for. Its cause is
// ErrClosed then.
func (f *flights) queueing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(f.closing, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// close lets no new flight start, and waits for those under way until ctx ends.
func (f *flights) close(ctx context.Context) error {
	f.mu.Lock()
	f.end()
	f.mu.Unlock()
	landed := make(chan struct{})
	go func() {
		f.wg.Wait()
		close(landed)
	}()
	select {
	case <-landed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("refreshes are still under way: %w", ctx.Err())
	}
}
