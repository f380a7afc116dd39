package tokenstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// left is a storage of which whoever asks goes away while the disk is at work: what he wanted is done, and he does not learn it.
type left struct {
	storage.Backend
	leave atomic.Pointer[context.CancelFunc]
}

func (l *left) Put(ctx context.Context, r storage.Record) (uint64, error) {
	revision, err := l.Backend.Put(context.WithoutCancel(ctx), r)
	return revision, errors.Join(err, l.gone(ctx, r.Key))
}

func (l *left) Delete(ctx context.Context, key storage.Key, revision uint64) error {
	return errors.Join(l.Backend.Delete(context.WithoutCancel(ctx), key, revision), l.gone(ctx, key))
}

func (l *left) gone(ctx context.Context, key storage.Key) error {
	if leave := l.leave.Load(); leave != nil && key.Bucket == "consents" {
		(*leave)()
		return ctx.Err()
	}
	return nil
}

// leaving calls ask with a context that ends when the disk is at work.
func (l *left) leaving(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.leave.Store(&cancel)
	defer l.leave.Store(nil)
	return ask(ctx)
}

func inWorldThatIsLeft(t *testing.T, test func(*testing.T, *world, *left)) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		l := new(left)
		w.around(l, &l.Backend)
		test(t, w, l)
	})
}

// Else there would be more than a thousand open in the end, or fewer and fewer.
func TestConsentsAreCountedThoughWhoeverBeginsThemGoesAway(t *testing.T) {
	inWorldThatIsLeft(t, func(t *testing.T, w *world, l *left) {
		const gone = 50
		for range gone {
			_ = l.leaving(t.Context(), func(ctx context.Context) error {
				_, err := w.BeginConsent(ctx, request)
				return err
			})
		}
		w.wantPending(gone)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		w.wantPending(0)
		w.fill(1100)
		w.wantPending(1000)
		t.Logf("%d were begun by who went away, and 1100 afterwards", gone)
	})
}

func TestAConsentIsFinishedThoughThePersonGoesAway(t *testing.T) {
	inWorldThatIsLeft(t, func(t *testing.T, w *world, l *left) {
		const gone = 50
		told := 0
		for range gone {
			callback := w.approve(w.begin(demo))
			err := l.leaving(t.Context(), func(ctx context.Context) error {
				_, err := w.FinishConsent(ctx, callback)
				return err
			})
			if err != nil {
				told++
			}
			if _, err := w.FinishConsent(t.Context(), callback); !errors.Is(err, tokenstore.ErrInvalidConsent) {
				t.Errorf("FinishConsent returned %v when it was used", err)
			}
			synctest.Wait()
		}
		if n := w.exchanges(); n != gone {
			t.Errorf("%d codes of %d were redeemed", n, gone)
		}
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		w.fill(1000)
		w.wantPending(1000)
		t.Logf("%d were finished, of which %d did not wait for the end", gone, told)
	})
}

// A code is good for a minute or so, and a refresh takes less.
func TestAConsentIsFinishedBehindARefreshThoughThePersonGoesAway(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		callback := w.approve(w.begin(demo))
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 5 * time.Second})
		refreshed := make(chan error, 1)
		go func() {
			_, err := w.Refresh(t.Context(), demo)
			refreshed <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := w.FinishConsent(ctx, callback)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("FinishConsent returned %v after %s", err, time.Since(began))
		}
		if err := <-refreshed; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := w.exchanges(); n != 1 {
			t.Errorf("%d codes were redeemed", n)
		}
		if tok := w.token(); !w.accepted(tok) || tok.Generation != 3 {
			t.Errorf("the token is of generation %d", tok.Generation)
		}
		t.Logf("%d code was redeemed %s after it came", w.exchanges(), time.Since(began))
	})
}
