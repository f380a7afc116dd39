package bolt_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// worn is a small file that was in use, with every page that it had. It has large records, which go on in the pages
// behind their own, and a bucket that is within the page of the bucket above it.
type worn struct {
	whole  []byte
	former []formerPage
	now    map[storage.Key]storage.Record
	past   map[storage.Key][]string // every value that a record had
	need   map[storage.Key][]span   // what must be whole for a record to be found
	list   int                      // where the freelist is
	free   map[int]bool             // pages
}

// formerPage is what was at a place of the file before a change.
type formerPage struct {
	at, change int
	content    []byte
}

// span is a range of a file.
type span struct{ from, to int }

const wornSmall = "small" // is within a page

func wornKey(i int) storage.Key {
	switch {
	case i%20 == 19:
		return storage.Key{Bucket: "large", ID: fmt.Sprintf("grant-%02d", i)}
	case i%30 == 5:
		return storage.Key{Bucket: wornSmall, ID: fmt.Sprintf("key-%02d", i)}
	default:
		return storage.Key{Bucket: "b", ID: fmt.Sprintf("grant-%02d", i)}
	}
}

func wornValue(key storage.Key, version int) []byte {
	times := map[string]int{"large": 500, wornSmall: 2, "b": 12}[key.Bucket]
	return bytes.Repeat(fmt.Appendf(nil, "%s v%d|", key.ID, version), times)
}

func newWorn(t *testing.T, seed uint64) worn {
	t.Helper()
	const records, changes = 80, 160
	w := worn{now: map[storage.Key]storage.Record{}, past: map[storage.Key][]string{}, need: map[storage.Key][]span{}}
	path := newPath(t)
	s := mustOpen(t, path)
	r := rand.New(rand.NewPCG(seed, 3))
	for version := range records + changes {
		i := version
		if version >= records {
			i = r.IntN(records)
		}
		key := wornKey(i)
		record, there := w.now[key]
		if there && version%7 == 6 {
			must(t, s.Delete(t.Context(), key, record.Revision))
			delete(w.now, key)
		} else {
			record.Key, record.Value, record.Due = key, wornValue(key, version), time.Unix(int64(1000*i+version), 0).UTC()
			w.now[key] = put(t, s, record)
			w.past[key] = append(w.past[key], string(record.Value))
		}
		w.changed(version, readFile(t, path)) // each write is in the file when it has returned
	}
	must(t, s.Close())
	w.changed(records+changes, readFile(t, path))
	w.readFree()
	w.find(t)
	return w
}

// changed notes the pages that are others than before.
func (w *worn) changed(change int, whole []byte) {
	for at := 0; at < len(w.whole); at += pageSize {
		if page := w.whole[at : at+pageSize]; !bytes.Equal(page, whole[at:at+pageSize]) {
			w.former = append(w.former, formerPage{at, change, page})
		}
	}
	w.whole = whole
}

// readFree reads the freelist.
func (w *worn) readFree() {
	w.free = map[int]bool{}
	n := binary.NativeEndian
	w.list = pageSize * int(n.Uint64(w.meta()[32:]))
	for i := range int(n.Uint16(w.whole[w.list+10:])) {
		w.free[int(n.Uint64(w.whole[w.list+16+8*i:]))] = true
	}
}

// meta returns the newest meta page, without its head.
func (w worn) meta() []byte {
	a, b := w.whole[16:], w.whole[pageSize+16:]
	if binary.NativeEndian.Uint64(a[48:]) > binary.NativeEndian.Uint64(b[48:]) {
		return a
	}
	return b
}

// inARow reports whether the meta pages are of two changes in a row.
func (w worn) inARow() bool {
	a, b := binary.NativeEndian.Uint64(w.whole[16+48:]), binary.NativeEndian.Uint64(w.whole[pageSize+16+48:])
	return a == b+1 || b == a+1
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// leafElement is one that a leaf in use has. Its place is that of the key, then that of the value.
type leafElement struct {
	bucket          bool
	key, value, end int
	table           span
}

// elements returns those of a page at a place in the file.
func (w worn) elements(at int) (all []leafElement) {
	n := binary.NativeEndian
	count := int(n.Uint16(w.whole[at+10:]))
	for i := range count {
		h := w.whole[at+16+16*i:]
		key := at + 16 + 16*i + int(n.Uint32(h[4:]))
		value := key + int(n.Uint32(h[8:]))
		all = append(all, leafElement{n.Uint32(h)&1 == 1, key, value, value + int(n.Uint32(h[12:])), span{at + 16, at + 16 + 16*count}})
	}
	return all
}

// heads calls visit for each page in use, without those that it overflows into.
func (w worn) heads(visit func(at int, flags uint16)) {
	for at := 2 * pageSize; at < len(w.whole); {
		head := w.whole[at:]
		next := at + pageSize
		if !w.free[at/pageSize] && binary.NativeEndian.Uint64(head) == uint64(at/pageSize) {
			next += pageSize * int(binary.NativeEndian.Uint32(head[12:]))
			visit(at, binary.NativeEndian.Uint16(head[8:]))
		}
		at = next
	}
}

// leaves calls visit for each leaf in use.
func (w worn) leaves(visit func(at int)) {
	w.heads(func(at int, flags uint16) {
		if flags == 2 {
			visit(at)
		}
	})
}

// tops returns the places of the pages that list buckets: the root leaf, and the leaf of all that have records.
func (w worn) tops() map[int]bool {
	tops := map[int]bool{}
	w.leaves(func(at int) {
		for _, e := range w.elements(at) {
			if e.bucket && binary.NativeEndian.Uint64(w.whole[e.value:]) > 0 {
				tops[at] = true
			}
		}
	})
	return tops
}

// find notes where each record is: itself, with its key, and the tables that tell where in the page it is.
func (w worn) find(t *testing.T) {
	t.Helper()
	note := func(e leafElement, more ...span) {
		for key, record := range w.now {
			if string(w.whole[e.key:e.value]) == key.ID && bytes.HasSuffix(w.whole[e.value:e.end], record.Value) {
				w.need[key] = append(more, span{e.key, e.end}, e.table)
			}
		}
	}
	w.leaves(func(at int) {
		for _, e := range w.elements(at) {
			if !e.bucket {
				note(e)
				continue
			}
			if binary.NativeEndian.Uint64(w.whole[e.value:]) == 0 {
				for _, inner := range w.elements(e.value + 16) {
					note(inner, e.table, span{e.value, e.value + 32})
				}
			}
		}
	})
	if len(w.need) != len(w.now) {
		t.Fatalf("%d of %d records are found", len(w.need), len(w.now))
	}
}
