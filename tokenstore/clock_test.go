package tokenstore_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// TestAClockThatJumpsKillsNoGrantAndHammersNoServer steps the wall clock of the
// store, and not the server's, at every point where that could matter.
func TestAClockThatJumpsKillsNoGrantAndHammersNoServer(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, step := range []time.Duration{time.Hour, year, 10 * year, -time.Hour, -year, -10 * year} {
		for when, before := range map[string]func(*world){
			"while it waits": func(*world) { time.Sleep(10 * time.Minute) },
			"during a refresh": func(w *world) {
				w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 10 * time.Second})
				go func() { _, _ = w.Refresh(w.t.Context(), demo) }()
				time.Sleep(time.Second)
			},
			"after a failure": func(w *world) {
				w.server.Script(standin.Fault{GrantType: "refresh_token", Times: 3, Status: 503, Header: map[string][]string{"Retry-After": {"60"}}})
				_, _ = w.Refresh(w.t.Context(), demo)
			},
		} {
			t.Run(fmt.Sprintf("%s %s", step, when), func(t *testing.T) {
				inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
					w.connect(demo)
					before(w)
					w.offset.Store(int64(step))
					time.Sleep(3 * time.Hour)
					if n := w.server.Refreshes(); n > 12 {
						t.Errorf("%d refreshes in three hours", n)
					}
					w.wantRecovery()
					w.offset.Store(0) // and back again
					time.Sleep(3 * time.Hour)
					w.wantRecovery()
					synctest.Wait()
					if len(w.seen.consents) > 0 {
						t.Errorf("consent is needed: %v", w.seen.consents)
					}
					if n := w.server.Refreshes(); n > 24 {
						t.Errorf("%d refreshes in six hours", n)
					}
				})
			})
		}
	}
}

// wantRecovery demands a token that the API accepts, after one refusal at the most.
func (w *world) wantRecovery() {
	w.t.Helper()
	tok := w.token()
	if w.accepted(tok) {
		return
	}
	tok, err := w.Rejected(w.t.Context(), tok)
	if err != nil || !w.accepted(tok) {
		w.t.Errorf("after a refusal: %v", err)
	}
	w.wantState(tokenstore.StateReady, "")
}
