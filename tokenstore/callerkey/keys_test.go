package callerkey_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestAKeyIsFoundUntilItIsRevoked(t *testing.T) {
	w := newWorld(t)
	s := callerkey.Scope{
		Connections: []string{"dropbox-demo/auth"}, Methods: []string{"GET"},
		Paths: []string{"/2/*"}, Origins: []string{"https://app.example.com"},
	}
	made, text, err := w.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: s, ExpiresAt: start.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text.Reveal(), "tsk_"+made.ID+"_") || len(text.Reveal()) != 67 {
		t.Errorf("the key has %d bytes and the id %s", len(text.Reveal()), made.ID)
	}
	for _, when := range []string{"at once", "after a restart"} {
		want := callerkey.Identity{Name: "backend", Scope: s, ExpiresAt: start.Add(time.Hour)}
		got, ok := w.Find(text.Reveal())
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s: %t %s", when, ok, diff)
		}
		if diff := cmp.Diff([]callerkey.Key{made}, w.List()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
		w.restart()
	}
	if err := w.Revoke(t.Context(), "backend"); err != nil {
		t.Fatal(err)
	}
	w.wantRefused(text.Reveal())
	w.restart()
	w.wantRefused(text.Reveal())
	if err := w.Revoke(t.Context(), "backend"); !errors.Is(err, callerkey.ErrNotFound) {
		t.Errorf("revoking again: %v", err)
	}
	if list := w.List(); len(list) != 0 {
		t.Errorf("the list is %+v", list)
	}
}

func TestWhatIsNoKeyIsNotFound(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	other := w.create("other", demo)
	spoil := func(i int) string {
		b := []byte(key)
		if b[i]++; b[i] > 'z' {
			b[i] = 'a'
		}
		return string(b)
	}
	tests := map[string]string{
		"nothing":                      "",
		"a prefix":                     "tsk_",
		"a key that was cut":           key[:len(key)-1],
		"a key with more":              key + "a",
		"a key with a space":           key + " ",
		"a key in upper case":          strings.ToUpper(key),
		"the secret of another key":    key[:15] + other[15:],
		"an unknown id":                spoil(5),
		"a wrong first character":      spoil(15),
		"a wrong last character":       spoil(len(key) - 1),
		"an unknown id and no secret":  "tsk_aaaaaaaaaa_" + strings.Repeat("a", 52),
		"something long":               strings.Repeat("tsk_", 1<<20),
		"a grant, where none was made": "tsg_e30." + strings.Repeat("A", 43),
		"no text":                      key[:20] + "\x00" + key[21:],
	}
	for name, presented := range tests {
		t.Run(name, func(t *testing.T) { w.wantRefused(presented) })
	}
	w.wantFound(key, "backend")
	w.wantFound(other, "other")
}

func TestANameIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	_, text, err := w.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: demo})
	if !errors.Is(err, callerkey.ErrExists) || !text.IsZero() {
		t.Errorf("Create returned %v", err)
	}
	w.wantFound(key, "backend")
	if err := w.Revoke(t.Context(), "backend"); err != nil {
		t.Fatal(err)
	}
	again := w.create("backend", demo)
	w.wantFound(again, "backend")
	w.wantRefused(key)
}

func TestAKeyEndsWhenItsTimeHasCome(t *testing.T) {
	w := newWorld(t)
	_, text, err := w.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: demo, ExpiresAt: start.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	w.advance(time.Hour - 1)
	w.wantFound(text.Reveal(), "backend")
	w.advance(1)
	w.wantRefused(text.Reveal())
	if list := w.List(); len(list) != 1 {
		t.Errorf("the list is %+v", list)
	}
	if _, _, err := w.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: demo}); !errors.Is(err, callerkey.ErrExists) {
		t.Errorf("Create returned %v", err)
	}
}

func TestWhoHasTheFileHasNoKey(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	w.close()
	file, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	w.open()
	if bytes.Contains(file, []byte(key[15:])) || bytes.Contains(file, []byte("dropbox-demo")) {
		t.Error("the file tells the key, or what it is for")
	}
	// Nor has who can open the seal.
	r, err := w.backend.Get(t.Context(), storage.Key{Bucket: callerkey.Bucket, ID: "key/backend"})
	if err != nil || bytes.Contains(r.Value, []byte(key[15:])) || !bytes.Contains(r.Value, []byte("dropbox-demo")) {
		t.Errorf("the record is %s, %v", r.Value, err)
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	w := newWorld(t)
	key, text, err := w.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: demo})
	if err != nil {
		t.Fatal(err)
	}
	_, _, refused := w.Grant(text.Reveal(), callerkey.GrantSpec{Scope: callerkey.Scope{Connections: []string{"a/b"}, Origins: []string{"http://a.example"}}})
	id, _ := w.Find(text.Reveal())
	printed := fmt.Sprintf("%v %+v %#v %v %v %+v %+v", text, text, text, key, refused, w.List(), id)
	if strings.Contains(printed, text.Reveal()[15:]) {
		t.Error(printed)
	}
}

func TestOpeningWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.create("backend", demo)
	w.close()
	before, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	w.open()
	w.restart()
	w.close()
	after, err := os.ReadFile(w.path)
	w.open()
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestAfterCloseThereIsNothing(t *testing.T) {
	w := newWorld(t)
	k := w.another()
	key := w.create("backend", demo)
	eventually(t, "the other process knows the key", func() bool { _, ok := k.Find(key); return ok })
	k.Close()
	k.Close()
	if _, ok := k.Find(key); ok {
		t.Error("the key is found")
	}
	if _, _, err := k.Create(t.Context(), callerkey.Spec{Name: "a", Scope: demo}); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Create returned %v", err)
	}
	if err := k.Revoke(t.Context(), "backend"); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Revoke returned %v", err)
	}
	w.wantFound(key, "backend")
}

func TestWhatAnotherProcessChangesIsLearnt(t *testing.T) {
	w := newWorld(t)
	k := w.another()
	defer k.Close()
	key := w.create("backend", demo)
	eventually(t, "a new key is known", func() bool { _, ok := k.Find(key); return ok })
	if _, _, err := k.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: demo}); !errors.Is(err, callerkey.ErrExists) {
		t.Errorf("Create returned %v", err)
	}
	if err := k.Revoke(t.Context(), "backend"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a revoked key is not", func() bool { _, ok := w.Find(key); return !ok })
	if n := w.trouble.Load(); n != 0 {
		t.Errorf("%d troubles", n)
	}
}

// More changes than the storage's watch can hold while nobody listens.
func TestChangesThatWereMissedAreReadAgain(t *testing.T) {
	w := newWorld(t)
	k := w.another()
	defer k.Close()
	block, blocked := make(chan struct{}), make(chan struct{}, 1000)
	w.file.OnGet(func(storage.Key) error { blocked <- struct{}{}; <-block; return nil })
	keys := map[string]string{}
	for i := range 300 {
		name := fmt.Sprintf("key-%d", i)
		keys[name] = w.create(name, demo)
		if i == 0 {
			<-blocked // the other one waits in its first reading
		}
	}
	w.file.OnGet(nil)
	close(block)
	eventually(t, "all keys are known", func() bool { return len(k.List()) == len(keys) })
	for name, key := range keys {
		if id, ok := k.Find(key); !ok || id.Name != name {
			t.Errorf("%s: %+v, %t", name, id, ok)
		}
	}
}

func TestALookUpAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", demo)
	unknown := "tsk_aaaaaaaaaa_" + strings.Repeat("a", 52)
	if n := testing.AllocsPerRun(100, func() { w.Find(key); w.Find(unknown) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
