package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// A flipped bit makes the list name a page in the middle of a value that is longer than a page.
func TestAFlippedBitInTheListOfFreePagesDestroysNoLongValue(t *testing.T) {
	s := openNew(t, Options{})
	r := rand.New(rand.NewPCG(1, 2))
	const ids = 300
	revisions := [ids]uint64{}
	write := func(s *Store, i int, revision uint64) (uint64, error) {
		return s.Put(t.Context(), storage.Record{
			Key: storage.Key{Bucket: "b", ID: fmt.Sprintf("%04d", i)}, Revision: revision, Value: bytes.Repeat([]byte{byte(i)}, 1200+r.IntN(3500)),
		})
	}
	for n := range 500 {
		i := n
		if n >= ids {
			i = r.IntN(ids)
		}
		var err error
		revisions[i], err = write(s, i, revisions[i])
		must(t, err)
	}
	path := s.Path()
	must(t, s.Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	m, _ := newest(bytes.NewReader(whole))
	list := page(whole[int64(m.freelist)*m.pageSize:])
	refused, written, middle := 0, 0, 0
	for n := range list.count() {
		for bit := range 10 {
			id := order.Uint64(list[16+8*n:]) ^ 1<<bit
			if !goesInto(whole, m, id) {
				continue
			}
			middle++
			if middle > 60 {
				break
			}
			b := bytes.Clone(whole)
			b[m.freelist*uint64(m.pageSize)+16+8*uint64(n)+uint64(bit/8)] ^= 1 << (bit % 8)
			path := t.TempDir() + "/tokens.db"
			must(t, os.WriteFile(path, b, 0o600))
			s, err := Open(path, Options{})
			must(t, err)
			revision := revisions[0]
			for range 30 {
				next, err := write(s, 0, revision)
				if err != nil {
					wantDamaged(t, "Put", 0, err)
					refused++
					break
				}
				revision = next
				written++
			}
			for i := 1; i < ids; i++ {
				if got, err := s.Get(t.Context(), storage.Key{Bucket: "b", ID: fmt.Sprintf("%04d", i)}); err != nil || got.Revision != revisions[i] {
					t.Errorf("place %d of the list, bit %d: record %d: %v", n, bit, i, err)
				}
			}
			must(t, s.Close())
		}
	}
	if refused == 0 {
		t.Error("no list was refused")
	}
	t.Logf("%d lists with a page in the middle of a leaf, of which %d were refused; %d writes", min(middle, 60), refused, written)
}

// goesInto reports whether a page is one that another page before, which is not free, goes on into.
func goesInto(b []byte, m meta, id uint64) bool {
	list := page(b[int64(m.freelist)*m.pageSize:])
	free := freed(list[16:][:8*list.count()])
	for at := uint64(2); at < min(id, m.highWater); {
		if free.any(at, at) {
			at++
			continue
		}
		last := at + uint64(page(b[int64(at)*m.pageSize:]).overflow())
		if last >= id && id != at {
			return true
		}
		at = last + 1
	}
	return false
}
