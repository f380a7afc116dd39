package tokenstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/damagedpage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// damagePage closes the store, damages a page of records in the middle of its file, and opens it again. It returns the connections
// whose records are lost.
func (w *world) damagePage() (lost []string) {
	w.t.Helper()
	if err := w.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	lost, err := damagedpage.Clear(w.path, damagedpage.Records(demo.Provider+"/"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.open()
	return lost
}

// without returns the ids that are not lost.
func without(ids []tokenstore.ID, lost []string) (left []string) {
	for _, id := range ids {
		if !slices.Contains(lost, id.String()) {
			left = append(left, id.String())
		}
	}
	return left
}

func TestTheListHasWhatIsBehindADamagedPageAndSaysThatItIsNotComplete(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		ids := w.connectMany(150)
		lost := w.damagePage()
		want := without(ids, lost)
		for _, limit := range []int{1, 7, 1000} {
			var got []string
			calls, damaged := 0, 0
			for after, more := "", true; more; calls++ {
				list, next, err := w.List(t.Context(), demo.Provider, after, limit)
				switch {
				case errors.Is(err, storage.ErrDamaged):
					damaged++
				case err != nil:
					t.Fatal(err)
				}
				for _, s := range list {
					if s.Damaged || s.State != tokenstore.StateReady {
						t.Errorf("%s is %+v", s.ID, s)
					}
					got = append(got, s.ID.String())
				}
				after, more = next, next != ""
			}
			t.Logf("%d at a time: %d of %d are listed, %d of %d pages say that others may be missing", limit, len(got), len(ids), damaged, calls)
			if !slices.Equal(got, want) || damaged == 0 || limit == 7 && damaged == calls {
				t.Errorf("listed: %q, want %q", got, want)
			}
		}
		synctest.Wait()
		if n := w.Census()[demo.Provider][tokenstore.StateReady]; n != len(want) {
			t.Errorf("the census counts %d of %d", n, len(want))
		}
	})
}

func TestARotationBesideADamagedPageKeepsTheFormerKeyAndSaysSo(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: 1000 * time.Hour}, nil, func(t *testing.T, w *world) {
		ids := w.connectMany(600) // several pages of a rotation
		left := without(ids, w.damagePage())
		if err := w.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.awaitRotation()
		r := w.Rotation()
		t.Logf("%d records of %d were looked at, %d sealed anew, %d unreadable: %v", r.Checked, len(ids), r.Resealed, r.Unreadable, r.Trouble)
		if r.OlderKeys != 1 || !errors.Is(r.Trouble, storage.ErrDamaged) || r.Checked < len(left) {
			t.Errorf("%+v, and %d records can be read", r, len(left))
		}
		if r.Resealed < len(left)-20 { // beside the damaged page bbolt may write nothing
			t.Errorf("%d of %d records were sealed anew", r.Resealed, len(left))
		}
		time.Sleep(time.Hour)
		if n := len(slices.DeleteFunc(slices.Clone(w.seen.troubles), func(s string) bool { return !strings.HasPrefix(s, "sealing records") })); n != 1 {
			t.Errorf("it was told of %d times: %q", n, w.seen.troubles)
		}
		w.restart() // which tries again
		w.awaitRotation()
		if r := w.Rotation(); r.OlderKeys != 1 || !errors.Is(r.Trouble, storage.ErrDamaged) || r.Resealed > 20 {
			t.Errorf("after a restart: %+v", r)
		}
	})
}
