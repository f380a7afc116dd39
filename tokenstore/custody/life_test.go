package custody_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// history is what was ever in a database.
type history struct {
	Now  map[string]string          // token by connection
	Past map[string]map[string]bool // each token that a connection had
}

// life is a database that was in use.
type life struct {
	history
	whole   []byte
	earlier []byte   // before the last changes
	sealed  [][]byte // the records of the connections
}

// newLife makes a database of connections that were imported, changed and deleted.
func newLife(t *testing.T, key seal.Key) life {
	t.Helper()
	const grants, changes = 50, 60
	path := filepath.Join(t.TempDir(), "tokens.db")
	h := history{map[string]string{}, map[string]map[string]bool{}}
	r := rand.New(rand.NewPCG(3, 4))
	live := func(steps int, step func(s *tokenstore.Store, i int)) []byte {
		s, _, err := openAttached(path, key)
		must(t, err)
		for i := range steps {
			step(s, i)
		}
		must(t, s.Close(t.Context()))
		return read(t, path)
	}
	put := func(s *tokenstore.Store, name string, version int) {
		token := fmt.Sprintf("token/%s/%d", name, version)
		connection, err := tokenstore.ParseID(name)
		must(t, err)
		must(t, s.Import(t.Context(), connection, tokenstore.Import{AccessToken: token, RefreshToken: "r", ExpiresAt: time.Now().Add(1000 * time.Hour)}))
		h.Now[name] = token
		if h.Past[name] == nil {
			h.Past[name] = map[string]bool{}
		}
		h.Past[name][token] = true
	}
	change := func(s *tokenstore.Store, i int) {
		name := id(r.IntN(grants))
		if i%10 > 0 {
			put(s, name, i)
			return
		}
		connection, err := tokenstore.ParseID(name)
		must(t, err)
		if err := s.Delete(t.Context(), connection); err != nil && !errors.Is(err, tokenstore.ErrNotFound) {
			t.Fatal(err)
		}
		delete(h.Now, name)
	}
	live(grants, func(s *tokenstore.Store, i int) { put(s, id(i), -1) })
	l := life{history: h, earlier: live(changes, change)}
	l.whole = live(changes, func(s *tokenstore.Store, i int) { change(s, i+changes) })
	backend := open(t, path)
	records, err := backend.List(t.Context(), connections, "", "", 2*grants)
	must(t, errors.Join(err, backend.Close()))
	for _, record := range records {
		l.sealed = append(l.sealed, record.Value)
	}
	return l
}

// mutations are ways in which a database is ruined.
var mutations = []struct {
	name string
	do   func(r *rand.Rand, b []byte, l life) []byte
}{
	{"a bit", func(r *rand.Rand, b []byte, _ life) []byte { b[r.IntN(len(b))] ^= 1 << r.IntN(8); return b }},
	{"a bit in the head of a page", func(r *rand.Rand, b []byte, _ life) []byte {
		anyPage(r, b)[r.IntN(64)] ^= 1 << r.IntN(8)
		return b
	}},
	{oneRecord, func(r *rand.Rand, b []byte, l life) []byte {
		value := l.sealed[r.IntN(len(l.sealed))]
		flipped := bytes.Clone(value)
		flipped[r.IntN(len(value))] ^= 1 << r.IntN(8)
		return bytes.ReplaceAll(b, value, flipped) // copies in free pages too
	}},
	{"a page of zeros", func(r *rand.Rand, b []byte, _ life) []byte { clear(anyPage(r, b)); return b }},
	{"a sector of zeros", func(r *rand.Rand, b []byte, _ life) []byte {
		clear(anyPage(r, b)[512*r.IntN(page/512):][:512])
		return b
	}},
	{"a page of noise", func(r *rand.Rand, b []byte, _ life) []byte {
		p := anyPage(r, b)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		return b
	}},
	{"two pages swapped", func(r *rand.Rand, b []byte, _ life) []byte {
		x, y := anyPage(r, b), anyPage(r, b)
		z := bytes.Clone(x)
		copy(x, y)
		copy(y, z)
		return b
	}},
	{stalePage, func(r *rand.Rand, b []byte, l life) []byte {
		at := r.IntN(len(l.earlier)/page) * page
		copy(b[at:], l.earlier[at:at+page])
		return b
	}},
	{cutOff, func(r *rand.Rand, b []byte, _ life) []byte { return b[:r.IntN(len(b))] }},
}

// Mutations of which more, or less, can be said than of the others.
const (
	oneRecord = "a bit of a record"          // all others are served
	stalePage = "a page of an earlier state" // nobody can tell that it is not of the last one
	cutOff    = "cut off"                    // nothing may be left
)

func anyPage(r *rand.Rand, b []byte) []byte { return b[r.IntN(len(b)/page)*page:][:page] }
