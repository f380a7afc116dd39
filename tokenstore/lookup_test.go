package tokenstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestALookupAllocatesNothingAndReadsNothing(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.token()
		w.backend.OnGet(func(storage.Key) error {
			t.Error("a look-up reads the storage")
			return nil
		})
		ctx := t.Context()
		n := testing.AllocsPerRun(1000, func() {
			if _, err := w.Token(ctx, demo, tokenstore.Want{MinTTL: time.Minute}); err != nil {
				t.Error(err)
			}
		})
		w.backend.OnGet(nil)
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func TestATokenLeavesMemoryWhenNobodyUsesIt(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: 24 * time.Hour}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.token()
		var reads atomic.Int64
		w.backend.OnGet(func(key storage.Key) error {
			if key.ID == demo.String() {
				reads.Add(1)
			}
			return nil
		})
		defer w.backend.OnGet(nil)
		for range 60 {
			time.Sleep(time.Minute)
			w.token()
		}
		if n := reads.Load(); n != 0 {
			t.Errorf("a token in use was read %d times", n)
		}
		time.Sleep(5 * time.Minute)
		w.token()
		if n := reads.Load(); n != 1 {
			t.Errorf("an idle token was read %d times", n)
		}
		w.token()
		if n := reads.Load(); n != 1 {
			t.Errorf("it was read %d times", n)
		}
	})
}

func TestTokensStayInMemoryWhileTheStorageIsOutOfOrder(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: 24 * time.Hour}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		tok := w.token()
		w.backend.OnGet(func(storage.Key) error { return storage.ErrUnavailable })
		time.Sleep(time.Hour)
		if got := w.token(); got != tok {
			t.Error("it is another token")
		}
		w.backend.OnGet(nil)
		time.Sleep(time.Hour)
		if got := w.token(); got == tok || !got.Value.Equal(tok.Value) {
			t.Error("the storage is in order, and an idle token stays in memory")
		}
	})
}

func TestTheHotMapKeepsWhatWasUsedInTheLastTurn(t *testing.T) {
	m := tokenstore.NewHotMap(4)
	m.Turn()
	m.Get(1)
	m.Get(2)
	m.Drop(2) // from the tokens that were used
	m.Drop(3) // from those that were not
	if m.Get(3) != nil {
		t.Error("3 was dropped and is there")
	}
	m.Turn()
	for i, want := range []bool{false, true, false, false} {
		if got := m.Get(i) != nil; got != want {
			t.Errorf("%d is there: %t", i, got)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		b.Run(fmt.Sprintf("%d connections", n), func(b *testing.B) {
			tokens := tokenstore.NewHotMap(n)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if tokens.Get(i%n) == nil {
						b.Fail()
					}
				}
			})
		})
	}
}

// reentrant is an observer that asks the store back.
type reentrant struct {
	tokenstore.NopObserver
	w     *world
	calls atomic.Int64
}

func (r *reentrant) ask() {
	r.calls.Add(1)
	ctx := r.w.t.Context()
	_, _ = r.w.Status(ctx, demo)
	_, _, _ = r.w.List(ctx, "", "", 10)
	_, _ = r.w.Provider(demo.Provider)
	_ = r.w.Health()
	_ = r.w.Census()
	_, _, _ = r.w.IssueTicket(ctx, demo)
	r.w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{r.w.provider}, Observer: r})()
}

func (r *reentrant) Refreshed(tokenstore.RefreshEvent)     { r.ask() }
func (r *reentrant) ConsentNeeded(tokenstore.ConsentEvent) { r.ask() }
func (r *reentrant) Consented(tokenstore.ID)               { r.ask() }
func (r *reentrant) Deleted(tokenstore.ID)                 { r.ask() }
func (r *reentrant) ProviderPaused(tokenstore.PauseEvent)  { r.ask() }
func (r *reentrant) Unsaved(tokenstore.UnsavedEvent)       { r.ask() }
func (r *reentrant) Late(string, time.Duration)            { r.ask() }
func (r *reentrant) Trouble(string, error)                 { r.ask() }

func TestAnObserverMayAskTheStore(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		r := &reentrant{w: w}
		defer w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{w.provider}, Observer: r})()
		w.connect(demo)
		time.Sleep(2 * time.Hour)
		failAfterTheAnswer(w)
		time.Sleep(time.Hour)
		w.backend.OnPut(nil)
		w.server.Script(standin.Fault{GrantType: "refresh_token", Status: 401, Body: `{"error":"invalid_client"}`, ContentType: "application/json"})
		time.Sleep(2 * time.Hour)
		w.server.RevokeFamily(1)
		time.Sleep(2 * time.Hour)
		w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonRevoked)
		w.server.Script(standin.Fault{Path: "/oauth2/revoke", Status: 500})
		if err := w.Delete(t.Context(), demo); err != nil {
			t.Error(err)
		}
		if n := r.calls.Load(); n < 10 {
			t.Errorf("the observer was called %d times", n)
		}
	})
}
