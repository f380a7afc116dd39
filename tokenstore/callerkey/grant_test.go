package callerkey_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

const page = "https://app.example.com"

var whole = callerkey.Scope{
	Connections: []string{"dropbox-demo/*"}, Methods: []string{"GET", "POST"}, Paths: []string{"/2/files/*", "/2/users"},
}

func asked(edit func(*callerkey.GrantSpec)) callerkey.GrantSpec {
	g := callerkey.GrantSpec{Scope: callerkey.Scope{Connections: []string{"dropbox-demo/auth"}, Origins: []string{page}}}
	edit(&g)
	return g
}

func plain(*callerkey.GrantSpec) {}

// grant asks for a grant, which there must be.
func (w *world) grant(key string, g callerkey.GrantSpec) string {
	w.t.Helper()
	text, expires, err := w.Grant(key, g)
	if err != nil {
		w.t.Fatal(err)
	}
	if id, ok := w.Find(text.Reveal()); !ok || !id.ExpiresAt.Equal(expires) {
		w.t.Errorf("the grant ends at %s, and finding it gives %+v, %t", expires, id, ok)
	}
	return text.Reveal()
}

func TestAGrantIsNarrowerThanItsKey(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", whole)
	tests := []struct {
		name  string
		asked callerkey.GrantSpec
		want  callerkey.Scope
	}{
		{"what is left out is the key's", asked(plain), callerkey.Scope{
			Connections: []string{"dropbox-demo/auth"}, Origins: []string{page}, Methods: whole.Methods, Paths: whole.Paths,
		}},
		{"what is asked for is what it is", asked(func(g *callerkey.GrantSpec) {
			g.Scope.Methods, g.Scope.Paths = []string{"GET"}, []string{"/2/files/a/*", "/2/users", "/2/files/x"}
		}), callerkey.Scope{
			Connections: []string{"dropbox-demo/auth"}, Origins: []string{page},
			Methods: []string{"GET"}, Paths: []string{"/2/files/a/*", "/2/users", "/2/files/x"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := callerkey.Identity{Name: "backend", Scope: tt.want, Grant: true, ExpiresAt: start.Add(10 * time.Minute)}
			got, ok := w.Find(w.grant(key, tt.asked))
			if diff := cmp.Diff(want, got); !ok || diff != "" {
				t.Errorf("%t %s", ok, diff)
			}
		})
	}
}

func TestAGrantIsRefused(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", whole)
	bound := w.create("page", origins(page))
	grant := w.grant(key, asked(plain))
	with := func(edit func(*callerkey.Scope)) callerkey.GrantSpec {
		return asked(func(g *callerkey.GrantSpec) { edit(&g.Scope) })
	}
	lives := func(d time.Duration) callerkey.GrantSpec {
		return asked(func(g *callerkey.GrantSpec) { g.Lifetime = d })
	}
	tests := []struct {
		name, presented string
		asked           callerkey.GrantSpec
		want            error
	}{
		{"of nobody", "", asked(plain), callerkey.ErrRefused},
		{"of a wrong key", key[:len(key)-1] + "~", asked(plain), callerkey.ErrRefused},
		{"of a grant", grant, asked(plain), callerkey.ErrRefused},
		{"for another connection", key, with(func(s *callerkey.Scope) { s.Connections = []string{"other/auth"} }), callerkey.ErrRefused},
		{"for another method", key, with(func(s *callerkey.Scope) { s.Methods = []string{"GET", "DELETE"} }), callerkey.ErrRefused},
		{"for another path", key, with(func(s *callerkey.Scope) { s.Paths = []string{"/2/sharing"} }), callerkey.ErrRefused},
		{"for more paths", key, with(func(s *callerkey.Scope) { s.Paths = []string{"/2/*"} }), callerkey.ErrRefused},
		{"for more than one path", key, with(func(s *callerkey.Scope) { s.Paths = []string{"/2/users*"} }), callerkey.ErrRefused},
		{"for another page than the key's", bound, with(func(s *callerkey.Scope) {
			s.Connections, s.Origins = []string{"dropbox/auth"}, []string{"https://evil.example"}
		}), callerkey.ErrRefused},
		{"for no page", key, with(func(s *callerkey.Scope) { s.Origins = nil }), callerkey.ErrInvalid},
		{"for two pages", key, with(func(s *callerkey.Scope) { s.Origins = []string{page, "http://localhost"} }), callerkey.ErrInvalid},
		{"for two connections", key, with(func(s *callerkey.Scope) { s.Connections = []string{"dropbox-demo/a", "dropbox-demo/b"} }), callerkey.ErrInvalid},
		{"for all connections", key, with(func(s *callerkey.Scope) { s.Connections = []string{"dropbox-demo/*"} }), callerkey.ErrInvalid},
		{"for an empty list", key, with(func(s *callerkey.Scope) { s.Methods = []string{} }), callerkey.ErrInvalid},
		{"for ever", key, lives(time.Hour + 1), callerkey.ErrInvalid},
		{"for no time", key, lives(time.Second - 1), callerkey.ErrInvalid},
		{"for less than that", key, lives(-time.Hour), callerkey.ErrInvalid},
		{"if it were too long", key, with(func(s *callerkey.Scope) {
			for i := range 100 {
				s.Paths = append(s.Paths, fmt.Sprintf("/2/files/%040d", i))
			}
		}), callerkey.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, _, err := w.Grant(tt.presented, tt.asked)
			if !errors.Is(err, tt.want) || !text.IsZero() {
				t.Errorf("Grant returned %v, want %v", err, tt.want)
			}
		})
	}
}

func TestAGrantEnds(t *testing.T) {
	tests := map[string]struct {
		lifetime, ofKey time.Duration
		end             func(w *world)
	}{
		"after ten minutes":      {0, 0, func(w *world) { w.advance(10 * time.Minute) }},
		"after what was asked":   {time.Hour, 0, func(w *world) { w.advance(time.Hour) }},
		"with its key's time":    {time.Hour, 90 * time.Second, func(w *world) { w.advance(90 * time.Second) }},
		"with its key":           {0, 0, func(w *world) { _ = w.Revoke(w.t.Context(), "backend") }},
		"with its key, for ever": {0, 0, func(w *world) { _ = w.Revoke(w.t.Context(), "backend"); w.create("backend", whole) }},
		"with a failed revoking": {0, 0, func(w *world) {
			w.file.OnDelete(func(storage.Key) error { return storage.ErrUnavailable })
			_ = w.Revoke(w.t.Context(), "backend")
		}},
		"with the key that signs": {0, 0, func(w *world) { w.put("signing", nil); w.restart() }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			spec := callerkey.Spec{Name: "backend", Scope: whole}
			if tt.ofKey > 0 {
				spec.ExpiresAt = start.Add(tt.ofKey)
			}
			_, key, err := w.Create(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			grant := w.grant(key.Reveal(), asked(func(g *callerkey.GrantSpec) { g.Lifetime = tt.lifetime }))
			w.restart()
			w.wantFound(grant, "backend")
			tt.end(w)
			w.wantRefused(grant)
		})
	}
}

func TestNoGrantIsMadeForAKeyThatIsAboutToEnd(t *testing.T) {
	w := newWorld(t)
	_, key, err := w.Create(t.Context(), callerkey.Spec{Name: "backend", Scope: whole, ExpiresAt: start.Add(time.Hour + 999*time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	w.advance(time.Hour)
	if _, _, err := w.Grant(key.Reveal(), asked(plain)); !errors.Is(err, callerkey.ErrRefused) {
		t.Errorf("Grant returned %v", err)
	}
}

func TestAGrantCannotBeWrittenByOthers(t *testing.T) {
	w := newWorld(t)
	grant := w.grant(w.create("backend", whole), asked(plain))
	payload, mac, _ := strings.Cut(strings.TrimPrefix(grant, "tsg_"), ".")
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	widened := strings.Replace(string(decoded), page, "https://evil.example", 1)
	tests := map[string]string{
		"another page":        "tsg_" + base64.RawURLEncoding.EncodeToString([]byte(widened)) + "." + mac,
		"no signature":        "tsg_" + payload + ".",
		"no dot":              "tsg_" + payload,
		"two dots":            grant + "." + mac,
		"a line break":        grant + "\n",
		"a break within":      grant[:len(grant)-5] + "\n" + grant[len(grant)-5:],
		"padding":             grant + "=",
		"another last letter": grant[:len(grant)-1] + string(grant[len(grant)-1]^1),
		"the prefix of a key": "tsk_" + payload + "." + mac,
		"too many bytes":      grant + strings.Repeat("A", callerkey.MaxGrant),
		"of another store":    foreignGrant(t),
	}
	for name, forged := range tests {
		t.Run(name, func(t *testing.T) { w.wantRefused(forged) })
	}
	for i := range grant {
		w.wantRefused(grant[:i] + string(grant[i]^1) + grant[i+1:])
	}
	w.wantFound(grant, "backend")
}

func foreignGrant(t *testing.T) string {
	other := newWorld(t)
	return other.grant(other.create("backend", whole), asked(plain))
}

func TestProcessesAgreeOnTheKeyThatSigns(t *testing.T) {
	w := newWorld(t)
	k := w.another()
	defer k.Close()
	key := w.create("backend", whole)
	eventually(t, "the key is known", func() bool { _, ok := k.Find(key); return ok })
	theirs, _, err := k.Grant(key, asked(plain))
	if err != nil {
		t.Fatal(err)
	}
	ours := w.grant(key, asked(plain))
	if ours != theirs.Reveal() {
		t.Error("they sign differently")
	}
	w.wantFound(theirs.Reveal(), "backend")
}

func TestWithoutAKeyThatSignsNoGrantIsGiven(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", whole)
	w.file.FailPuts(1, storage.ErrUnavailable)
	if text, _, err := w.Grant(key, asked(plain)); !errors.Is(err, storage.ErrUnavailable) || !text.IsZero() {
		t.Errorf("Grant returned %v", err)
	}
	w.grant(key, asked(plain))
}

func TestTheKeyThatSignsIsReplacedIfItIsDamagedOnly(t *testing.T) {
	w := newWorld(t)
	key := w.create("backend", whole)
	w.grant(key, asked(plain))
	w.put("signing", []byte("damaged"))
	w.restart()
	w.grant(key, asked(plain))

	newer := storage.Key{Bucket: callerkey.Bucket, ID: "signing"}
	r, err := w.backend.Get(t.Context(), newer)
	if err != nil {
		t.Fatal(err)
	}
	r.Value = []byte(strings.Replace(string(r.Value), `"v":1`, `"v":2`, 1))
	if _, err := w.backend.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if _, _, err := w.Grant(key, asked(plain)); err == nil {
		t.Error("it is replaced though a newer release wrote it")
	}
	w.wantFound(key, "backend")
}
