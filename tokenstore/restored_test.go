package tokenstore_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// backup copies the world's database, the store of which is closed for that and opened again.
func (w *world) backup() string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "backup.db")
	w.offline(func() {
		if _, err := custody.SaveOffline(w.t.Context(), w.path, path, nil); err != nil {
			w.t.Fatal(err)
		}
	})
	return path
}

// restore puts a backup in the place of the world's database.
func (w *world) restore(backup string) {
	w.t.Helper()
	w.offline(func() {
		r := custody.Restore{Backup: backup, Database: w.path, Key: w.key, Replace: true, Now: w.now()}
		if _, err := r.Run(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	})
}

func (w *world) offline(do func()) {
	w.t.Helper()
	if err := w.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	do()
	w.open()
}

// Both servers rotate refresh tokens. The strict one ends a grant when an old token is used; the
// other takes no old token, and leaves the grant alone.
func TestAnOldBackupEndsInNeedsConsentAndNotInALoop(t *testing.T) {
	for name, reuseKeepsFamily := range map[string]bool{"with reuse detection": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			o := standin.Options{Rotation: standin.RotateAlways, AccessLifetime: 4 * time.Hour, ReuseKeepsFamily: reuseKeepsFamily}
			inWorld(t, o, nil, func(t *testing.T, w *world) {
				w.connect(demo)
				backup := w.backup()
				time.Sleep(5 * time.Hour) // the schedule renews demo
				w.wantRefreshes(1)
				w.restore(backup)

				time.Sleep(48 * time.Hour)
				w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonDatabaseRestored)
				w.wantRefreshes(2) // the second is the one that the server refuses
				var needed *tokenstore.ConsentNeededError
				if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.As(err, &needed) || needed.Reason != tokenstore.ReasonDatabaseRestored {
					t.Errorf("Token returned %v", err)
				}

				// A new consent ends it, and what is refused later has its own reason.
				g := w.connect(demo)
				if tok := w.token(); !w.accepted(tok) {
					t.Error("the new token is not accepted")
				}
				w.server.RevokeFamily(g.Family)
				time.Sleep(5 * time.Hour)
				w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonRevoked)
			})
		})
	}
}

func TestGrantsThatWereNotRenewedSinceTheBackupGoOn(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: 4 * time.Hour}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.restore(w.backup())
		time.Sleep(48 * time.Hour)
		w.wantState(tokenstore.StateReady, "")
		if tok := w.token(); !w.accepted(tok) {
			t.Error("the token is not accepted")
		}
	})
}
