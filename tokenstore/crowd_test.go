package tokenstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

const crowd = 10_000

// TestACrowdOfCallersOfAnExpiredTokenCausesOneRefresh lets all of them come while the server takes its time.
func TestACrowdOfCallersOfAnExpiredTokenCausesOneRefresh(t *testing.T) {
	rounds := soaktest.Times(1, 20)
	for name, leaving := range map[string]int{
		"all of them wait":             0,
		"the first one goes away":      1,
		"every second one goes away":   crowd / 2,
		"all but the last one go away": crowd - 1,
	} {
		t.Run(name, func(t *testing.T) {
			for range rounds {
				inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(_ *testing.T, w *world) { w.callAtOnce(leaving) })
			}
			t.Logf("%d times %d callers, of whom %d left", rounds, crowd, leaving)
		})
	}
}

// callAtOnce lets the whole crowd ask for the token, and the first ones go away before it is there.
func (w *world) callAtOnce(leaving int) {
	w.t.Helper()
	w.connect(demo)
	time.Sleep(5 * time.Hour)
	w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 5 * time.Second})
	var left, served atomic.Int64
	var tokens sync.Map
	var wg sync.WaitGroup
	for i := range crowd {
		if i == 1 {
			time.Sleep(time.Second) // the first one's flight is on the wire
		}
		wg.Go(func() {
			ctx := w.t.Context()
			if i < leaving {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 2*time.Second)
				defer cancel()
			}
			tok, err := w.Token(ctx, demo, tokenstore.Want{})
			switch {
			case err == nil:
				served.Add(1)
				tokens.Store(tok.Value.Reveal(), true)
			case i < leaving && errors.Is(err, context.DeadlineExceeded):
				left.Add(1)
			default:
				w.t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if left.Load() != int64(leaving) || served.Load() != int64(crowd-leaving) {
		w.t.Errorf("%d were served, and %d left", served.Load(), left.Load())
	}
	different := 0
	tokens.Range(func(any, any) bool { different++; return true })
	if different != 1 {
		w.t.Errorf("they got %d different tokens", different)
	}
	w.wantRefreshes(1)
	if tok := w.token(); tok.Generation != 2 || !w.accepted(tok) {
		w.t.Errorf("the token is of generation %d", tok.Generation)
	}
}
