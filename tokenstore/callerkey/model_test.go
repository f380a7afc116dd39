package callerkey_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// TestKeysAreWhatAMapWouldBe creates, revokes, grants, waits, fails and restarts at random, and
// compares with a map.
func TestKeysAreWhatAMapWouldBe(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		m := &model{w: w, keys: map[string]*modelKey{}}
		rt.Repeat(map[string]func(*rapid.T){
			"":              m.check,
			"create":        m.create,
			"create, fails": m.createFails,
			"revoke":        m.revoke,
			"revoke, fails": m.revokeFails,
			"grant":         m.grant,
			"wait":          func(t *rapid.T) { w.advance(rapid.SampledFrom(waits).Draw(t, "wait")) },
			"restart":       m.restart,
		})
	})
}

var (
	names = []string{"a", "b", "c"}
	waits = []time.Duration{time.Second, 5 * time.Minute, time.Hour}
)

type modelKey struct {
	text    string
	expires time.Time
	halted  bool // until a restart
}

type modelGrant struct {
	text    string
	key     *modelKey
	expires time.Time
}

type model struct {
	w      *world
	keys   map[string]*modelKey
	gone   []string // keys that were revoked
	grants []modelGrant
}

func (m *model) valid(k *modelKey) bool {
	in := slices.Contains(slices.Collect(maps.Values(m.keys)), k)
	return in && !k.halted && (k.expires.IsZero() || m.w.now().Before(k.expires))
}

func (m *model) draw(t *rapid.T) string { return rapid.SampledFrom(names).Draw(t, "name") }

func (m *model) create(t *rapid.T) {
	name := m.draw(t)
	spec := callerkey.Spec{Name: name, Scope: demo}
	if rapid.Bool().Draw(t, "ends") {
		spec.ExpiresAt = m.w.now().Add(rapid.SampledFrom(waits).Draw(t, "lifetime"))
	}
	_, text, err := m.w.Create(m.w.t.Context(), spec)
	switch {
	case m.keys[name] != nil:
		if !errors.Is(err, callerkey.ErrExists) {
			t.Fatalf("Create returned %v", err)
		}
	case err != nil:
		t.Fatal(err)
	default:
		m.keys[name] = &modelKey{text: text.Reveal(), expires: spec.ExpiresAt}
	}
}

func (m *model) createFails(t *rapid.T) {
	m.w.file.FailPuts(1, storage.ErrUnavailable)
	defer m.w.file.FailPuts(0, nil)
	if _, text, err := m.w.Create(m.w.t.Context(), callerkey.Spec{Name: m.draw(t), Scope: demo}); err == nil || !text.IsZero() {
		t.Fatal("a key that is not stored is given")
	}
}

func (m *model) revoke(t *rapid.T) {
	name := m.draw(t)
	err := m.w.Revoke(m.w.t.Context(), name)
	if m.keys[name] == nil {
		if !errors.Is(err, callerkey.ErrNotFound) {
			t.Fatalf("Revoke returned %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.gone = append(m.gone, m.keys[name].text)
	delete(m.keys, name)
}

func (m *model) revokeFails(t *rapid.T) {
	name := m.draw(t)
	m.w.file.OnDelete(func(storage.Key) error { return storage.ErrUnavailable })
	defer m.w.file.OnDelete(nil)
	if err := m.w.Revoke(m.w.t.Context(), name); err == nil {
		t.Fatal("Revoke returned nil")
	}
	if k := m.keys[name]; k != nil {
		k.halted = true
	}
}

func (m *model) grant(t *rapid.T) {
	k := m.keys[m.draw(t)]
	if k == nil {
		return
	}
	lifetime := rapid.SampledFrom(waits).Draw(t, "lifetime")
	text, expires, err := m.w.Grant(k.text, asked(func(g *callerkey.GrantSpec) { g.Lifetime = lifetime }))
	if valid := m.valid(k); valid != (err == nil) {
		t.Fatalf("Grant returned %v, and the key is valid: %t", err, valid)
	}
	if err != nil {
		return
	}
	want := m.w.now().Add(lifetime)
	if !k.expires.IsZero() && k.expires.Before(want) {
		want = k.expires
	}
	if !expires.Equal(want) {
		t.Fatalf("the grant ends at %s, want %s", expires, want)
	}
	m.grants = append(m.grants, modelGrant{text.Reveal(), k, want})
}

func (m *model) restart(*rapid.T) {
	m.w.restart()
	for _, k := range m.keys {
		k.halted = false
	}
}

func (m *model) check(t *rapid.T) {
	var listed []string
	for _, k := range m.w.List() {
		listed = append(listed, k.Name)
	}
	if want := slices.Sorted(maps.Keys(m.keys)); !slices.Equal(listed, want) {
		t.Fatalf("the list is %v, want %v", listed, want)
	}
	for name, k := range m.keys {
		if id, ok := m.w.Find(k.text); ok != m.valid(k) || ok && (id.Name != name || !id.ExpiresAt.Equal(k.expires)) {
			t.Fatalf("%s (%+v): found %+v, %t", name, k, id, ok)
		}
	}
	for _, text := range m.gone {
		if id, ok := m.w.Find(text); ok {
			t.Fatalf("%+v was revoked", id)
		}
	}
	for _, g := range m.grants {
		want := m.valid(g.key) && m.w.now().Before(g.expires)
		if _, ok := m.w.Find(g.text); ok != want {
			t.Fatalf("a grant until %s of %+v is found: %t", g.expires, g.key, ok)
		}
	}
}
