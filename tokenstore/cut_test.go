package tokenstore_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// TestAnAnswerThatIsCutAfterAnyByteEndsTheGrantOnlyIfItsTokenWasLost cuts the answer of a server that allows for nothing
// after each of its bytes: from where the refresh token has come through, the grant must live on.
func TestAnAnswerThatIsCutAfterAnyByteEndsTheGrantOnlyIfItsTokenWasLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes int64 // as many as the answer has, or some more
		// play lets the answer to one conversation of a connection be cut, and reports whether what counts came through.
		play func(w *world, id tokenstore.ID, cut int64) bool
	}{
		{"exchange", 520, cutExchange},
		{"refresh on demand", 520, cutDemand},
		{"refresh in the background", 520, cutBackground},
		{"revocation", 150, cutRevocation},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, rotating, onDemand, func(t *testing.T, w *world) {
				lived := 0
				for cut := range c.bytes + 1 {
					id := tokenstore.ID{Provider: demo.Provider, Name: fmt.Sprintf("cut-%04d", cut)}
					if c.play(w, id, cut) {
						lived++
					}
					w.server.ClearFaults()
				}
				if lived < 50 || lived > int(c.bytes)-50 {
					t.Errorf("%d grants lived on: the cuts are at the wrong places", lived)
				}
				t.Logf("%d cuts, %d came through", c.bytes+1, lived)
			})
		})
	}
}

// judgeCut compares the connection with the grant at the server once it has had time to recover.
func (w *world) judgeCut(id tokenstore.ID, cut int64, family standin.Family) (lives bool) {
	w.t.Helper()
	tok, err := w.Token(w.t.Context(), id, tokenstore.Want{})
	family, _ = w.server.Family(family.ID)
	if lives = err == nil; lives && !w.accepted(tok) || lives == family.Revoked {
		w.t.Errorf("cut after %d bytes: Token returned %v, and the grant is %+v", cut, err, family)
	}
	return lives
}

func cutDemand(w *world, id tokenstore.ID, cut int64) bool {
	w.t.Helper()
	g, err := w.server.IssueGrant(clientID)
	if err != nil {
		w.t.Fatal(err)
	}
	in := tokenstore.Import{AccessToken: g.AccessToken, RefreshToken: g.RefreshToken, ExpiresAt: w.now()}
	if err := w.Import(w.t.Context(), id, in); err != nil {
		w.t.Fatal(err)
	}
	return w.cutRefresh(id, cut, func() { _, _ = w.Token(w.t.Context(), id, tokenstore.Want{}) })
}

func cutBackground(w *world, id tokenstore.ID, cut int64) bool {
	w.t.Helper()
	return w.cutRefresh(id, cut, func() {
		g, err := w.server.IssueGrant(clientID)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := w.Import(w.t.Context(), id, tokenstore.Import{RefreshToken: g.RefreshToken}); err != nil {
			w.t.Fatal(err)
		}
	})
}

// cutRefresh cuts the answer to the next refresh. Without a token in it, the refresh token is sent once more, and that is all.
func (w *world) cutRefresh(id tokenstore.ID, cut int64, refresh func()) bool {
	w.t.Helper()
	before := w.server.Refreshes()
	w.server.Script(lostAfter("refresh_token", cut))
	refresh()
	synctest.Wait()
	time.Sleep(10 * time.Second)
	families := w.server.Families()
	lives := w.judgeCut(id, cut, families[len(families)-1])
	if n := w.server.Refreshes() - before; n > 2 {
		w.t.Errorf("cut after %d bytes: %d refreshes", cut, n)
	}
	if s, _ := w.Status(w.t.Context(), id); !lives && s.Reason != tokenstore.ReasonInterruptedRotation {
		w.t.Errorf("cut after %d bytes: %+v", cut, s)
	}
	return lives
}

// cutExchange cuts the answer to a code: the connection exists if, and only if, a refresh token came of it.
func cutExchange(w *world, id tokenstore.ID, cut int64) bool {
	w.t.Helper()
	callback := w.approve(w.begin(id))
	w.server.Script(lostAfter("authorization_code", cut))
	before := w.exchanges()
	_, err := w.FinishConsent(w.t.Context(), callback)
	if n := w.exchanges() - before; n != 1 {
		w.t.Errorf("cut after %d bytes: the code was sent %d times", cut, n)
	}
	time.Sleep(10 * time.Second)
	if err != nil {
		if _, err := w.Status(w.t.Context(), id); err == nil {
			w.t.Errorf("cut after %d bytes: there is a connection without a grant", cut)
		}
		return false
	}
	families := w.server.Families()
	return w.judgeCut(id, cut, families[len(families)-1])
}

// cutRevocation cuts the answer to a revocation: the connection is gone, and the observer is told where that is not sure.
func cutRevocation(w *world, id tokenstore.ID, cut int64) bool {
	w.t.Helper()
	g := w.connect(id)
	told := w.listen()
	w.server.Script(standin.Fault{Path: "/oauth2/revoke", Stage: standin.After, Cut: true, CutAfter: cut})
	if err := w.Delete(w.t.Context(), id); err != nil {
		w.t.Errorf("cut after %d bytes: %v", cut, err)
	}
	if f, _ := w.server.Family(g.Family); !f.Revoked {
		w.t.Errorf("cut after %d bytes: the grant lives on", cut)
	}
	troubles := told.troubles()
	if len(troubles) > 1 || len(troubles) == 1 && !strings.Contains(troubles[0], "unknown") {
		w.t.Errorf("cut after %d bytes: the observer was told %q", cut, troubles)
	}
	return len(troubles) == 0
}

func lostAfter(grantType string, bytes int64) standin.Fault {
	return standin.Fault{GrantType: grantType, Stage: standin.After, Cut: true, CutAfter: bytes}
}

func TestARefreshTokenThatCameInACutAnswerReplacesTheOneThatWasSent(t *testing.T) {
	inWorld(t, rotating, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		w.server.Script(standin.Fault{
			GrantType: "refresh_token", Stage: standin.After, Cut: true, CutAfter: 2000,
			Rewrite: func(b []byte) []byte { return append(b[:len(b)-2], `,"more":"`...) }, Size: 1 << 20,
		})
		_, _ = w.Token(t.Context(), demo, tokenstore.Want{})
		time.Sleep(10 * time.Second)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
		if f := w.server.Families()[0]; f.Revoked {
			t.Errorf("the grant is gone: %s", f.Reason)
		}
	})
}
