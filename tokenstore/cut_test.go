package tokenstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// TestAnAnswerThatIsCutAtAnyByteEndsTheGrantOnlyIfItsTokenWasLost cuts the answer
// of a server that allows for nothing: from where the refresh token has come through, the
// grant must live on.
func TestAnAnswerThatIsCutAtAnyByteEndsTheGrantOnlyIfItsTokenWasLost(t *testing.T) {
	saved, lost := 0, 0
	for cut := int64(0); cut < 700; cut += 9 {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
				w.connect(demo)
				time.Sleep(5 * time.Hour)
				w.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Cut: true, CutAfter: cut})
				_, _ = w.Token(t.Context(), demo, tokenstore.Want{})
				time.Sleep(time.Minute)
				tok, err := w.Token(t.Context(), demo, tokenstore.Want{})
				if f := w.server.Families()[0]; f.Revoked != (err != nil) {
					t.Errorf("Token returned %v, and the grant is %+v", err, f)
				}
				if err == nil {
					saved++
					if !w.accepted(tok) {
						t.Error("the token is not accepted")
					}
				} else {
					lost++
					w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonInterruptedRotation)
				}
				if n := w.server.Refreshes(); n > 2 {
					t.Errorf("%d refreshes", n)
				}
			})
		})
	}
	if saved < 5 || lost < 5 {
		t.Errorf("%d grants lived on and %d did not: the cuts are at the wrong places", saved, lost)
	}
}

func TestARefreshTokenThatCameInACutAnswerReplacesTheOneThatWasSent(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways}, onDemand, func(t *testing.T, w *world) {
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
