package tokenstore_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// TestWhateverHappensAGrantDiesByTheServersHandOnly walks through the table in the package documentation at
// random, with a server that rotates, detects reuse and has a grace window so long that
// no answer is lost for good, and then on paths to what that does not get to. Nothing may happen that is not in the
// table, and all that is in it must.
func TestWhateverHappensAGrantDiesByTheServersHandOnly(t *testing.T) {
	table := readStateTable(t)
	walks := 0
	checkOften(t, 20, func(rt *rapid.T) {
		walks++
		steps := rapid.SliceOfN(rapid.IntRange(0, 13), 5, 40).Draw(rt, "steps")
		waits := rapid.SliceOfN(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 40 * time.Second, 10 * time.Minute, 2 * time.Hour}), len(steps), len(steps)).Draw(rt, "waits")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, standin.Options{Rotation: standin.RotateAlways, Grace: 1000 * time.Hour, AccessLifetime: time.Hour}, nil)
			defer w.end()
			m := &model{w: w, k: w.track(table)}
			for i, step := range steps {
				m.step(step)
				time.Sleep(waits[i])
				m.check(i)
			}
			m.settle()
			if t.Failed() {
				rt.Logf("steps %v, waits %v", steps, waits)
			}
		})
		if t.Failed() {
			rt.FailNow()
		}
	})
	for name, p := range paths {
		t.Run(name, func(t *testing.T) {
			inWorld(t, p.server, p.provider, func(_ *testing.T, w *world) {
				w.track(table)
				p.walk(w)
			})
		})
	}
	for _, row := range table.unseen() {
		t.Errorf("nothing has walked from %s, %s, to %s", row.from, row.event, row.to)
	}
	t.Logf("%d rows of the table, %d walks at random", len(table.rows), walks)
}

// model is what the connection must be like by all that has happened.
type model struct {
	w      *world
	k      *tracker
	exists bool
	family int
	// doomed: the server has ended the grant.
	doomed bool
}

func (m *model) step(n int) {
	w, ctx := m.w, m.w.t.Context()
	switch n {
	case 0:
		m.family, m.exists, m.doomed = w.connect(demo).Family, true, false
	case 1:
		m.consent()
	case 2:
		if err := w.Delete(ctx, demo); (err == nil) != m.exists {
			w.t.Errorf("Delete returned %v", err)
		}
		m.exists = false
	case 3:
		if tok, err := w.Token(ctx, demo, tokenstore.Want{}); err == nil {
			_, _ = w.Rejected(ctx, tok)
		}
	case 4:
		_, _ = w.Refresh(ctx, demo)
	case 5:
		w.server.Script(standin.Fault{GrantType: "refresh_token", Status: 503})
	case 6:
		w.server.Script(standin.Fault{GrantType: "refresh_token", Status: 401, Body: `{"error":"invalid_client"}`, ContentType: "application/json"})
	case 7:
		w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Cut: true, CutAfter: 10})
	case 8:
		w.server.Script(standin.Fault{GrantType: "refresh_token", Garbage: standin.HTML, Status: 200})
	case 9:
		w.crash()
		w.open()
		m.k.forget()
	case 10:
		w.restart()
	case 11:
		if m.exists {
			w.server.RevokeFamily(m.family)
			m.doomed = true
		}
	case 12:
		w.backend.FailPuts(1, storage.ErrUnavailable)
		_, _ = w.Refresh(ctx, demo)
		w.backend.FailPuts(0, nil)
	case 13:
		w.server.Script(withoutAccessToken)
	}
}

// withoutAccessToken is an answer of which the refresh token can be used.
var withoutAccessToken = standin.Fault{
	GrantType: "refresh_token", Stage: standin.After,
	Rewrite: func(b []byte) []byte { return renamed(b, "access_token", "no_access_token") },
}

// consent lets a person consent.
func (m *model) consent() {
	w := m.w
	if _, err := w.FinishConsent(w.t.Context(), w.approve(w.begin(demo))); err != nil {
		w.t.Errorf("FinishConsent returned %v", err)
		return
	}
	families := w.server.Families()
	m.family, m.exists, m.doomed = families[len(families)-1].ID, true, false
}

// check compares the connection with the model.
func (m *model) check(i int) {
	w := m.w
	w.t.Helper()
	s, err := w.Status(w.t.Context(), demo)
	if !m.exists {
		if !errors.Is(err, tokenstore.ErrNotFound) {
			w.t.Errorf("step %d: deleted, and Status returned %v", i, err)
		}
		return
	}
	if err != nil {
		w.t.Errorf("step %d: Status returned %v", i, err)
		return
	}
	if s.State == tokenstore.StateNeedsConsent && !m.doomed {
		f, _ := w.server.Family(m.family)
		w.t.Errorf("step %d: needs consent (%s), and the grant is %+v", i, s.Reason, f)
	}
	tok, err := w.Token(w.t.Context(), demo, tokenstore.Want{})
	if err == nil && !m.doomed && !w.accepted(tok) {
		w.t.Errorf("step %d: a token is handed out that the API refuses", i)
	}
}

// settle lets everything pass that may pass, and demands that it has.
func (m *model) settle() {
	w := m.w
	w.server.ClearFaults()
	time.Sleep(3 * time.Hour)
	switch tok, err := w.Token(w.t.Context(), demo, tokenstore.Want{}); {
	case !m.exists && errors.Is(err, tokenstore.ErrNotFound):
	case m.exists && m.doomed && errors.Is(err, tokenstore.ErrConsentNeeded):
	case m.exists && !m.doomed && err == nil && w.accepted(tok):
	default:
		w.t.Errorf("in the end (exists %t, doomed %t): %v", m.exists, m.doomed, err)
	}
}
