package bolt

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Each damages the list of free pages, or what says where it is.
var listDamages = []struct {
	name string
	do   func(d tree3, b []byte, list page)
}{
	{"it is a leaf", func(_ tree3, _ []byte, list page) { order.PutUint16(list[8:], leafFlag) }},
	{"it is a branch", func(_ tree3, _ []byte, list page) { order.PutUint16(list[8:], branchFlag) }},
	{"it is noise", func(_ tree3, _ []byte, list page) { copy(list, bytes.Repeat([]byte{0xa5}, len(list))) }},
	{"it is zeros", func(_ tree3, _ []byte, list page) { clear(list) }},
	{"it is another page", func(_ tree3, _ []byte, list page) { order.PutUint64(list, 2) }},
	{"it has fewer pages than it says", func(_ tree3, _ []byte, list page) { order.PutUint16(list[10:], list.u16(10)+1) }},
	{"it has more pages than fit", func(_ tree3, _ []byte, list page) { order.PutUint16(list[10:], 0xFFFE) }},
	{"it has gigabytes of pages", func(_ tree3, _ []byte, list page) {
		order.PutUint16(list[10:], 0xFFFF)
		order.PutUint64(list[16:], 1<<31)
	}},
	{"it has more pages than there is memory", func(_ tree3, _ []byte, list page) {
		order.PutUint16(list[10:], 0xFFFF)
		order.PutUint64(list[16:], 1<<62)
	}},
	{"it goes on too far", func(_ tree3, _ []byte, list page) { order.PutUint32(list[12:], 3) }},
	{"it goes on behind the end", func(_ tree3, _ []byte, list page) { order.PutUint32(list[12:], 1<<30) }},
	{"a page is in it twice", func(_ tree3, _ []byte, list page) { copy(list[24:32], list[16:24]) }},
	{"it is out of order", func(_ tree3, _ []byte, list page) { order.PutUint64(list[16:], order.Uint64(list[32:])) }},
	{"the begin of the file is in it", func(_ tree3, _ []byte, list page) { order.PutUint64(list[16:], 1) }},
	{"a page behind the end is in it", func(d tree3, _ []byte, list page) {
		order.PutUint64(list[16+8*(list.count()-1):], d.meta.highWater)
	}},
	{"the root of the file is in it", func(d tree3, _ []byte, list page) { list.insert(d.meta.root) }},
	{"a leaf is in it", func(d tree3, _ []byte, list page) { list.insert(d.records.leaves[d.records.middle[1]][2]) }},
	{"a branch is in it", func(d tree3, _ []byte, list page) { list.insert(d.due.middle[1]) }},
	{"it is said to be nowhere", func(d tree3, b []byte, _ page) { d.setFreelist(b, 1<<64-1) }},
	{"it is said to be behind the end", func(d tree3, b []byte, _ page) { d.setFreelist(b, d.meta.highWater) }},
	{"it is said to be the begin of the file", func(d tree3, b []byte, _ page) { d.setFreelist(b, 0) }},
}

func (p page) u16(at int) uint16 { return order.Uint16(p[at:]) }

// insert puts a page into a list, in its order.
func (p page) insert(id uint64) {
	n := p.count()
	i := 0
	for i < n && order.Uint64(p[16+8*i:]) < id {
		i++
	}
	copy(p[16+8*(i+1):], p[16+8*i:16+8*n])
	order.PutUint64(p[16+8*i:], id)
	order.PutUint16(p[10:], uint16(n+1))
}

// list returns the list of free pages of a file. How many pages it has depends on how the writes shared their commits.
func (d tree3) list(b []byte) page {
	at := int(d.meta.freelist) * d.each
	return b[at:][:d.each*(1+int(page(b[at:]).overflow()))]
}

// setFreelist writes both meta pages anew.
func (d tree3) setFreelist(b []byte, id uint64) {
	for _, at := range []int{0, d.each} {
		m := b[at+pageHeaderLen:][:metaLen]
		order.PutUint64(m[32:], id)
		order.PutUint64(m[metaLen-8:], metaSum(m))
	}
}

func TestADamagedListOfFreePagesKeepsTheFileFromBeingWritten(t *testing.T) {
	d := newTree3(t)
	for _, tt := range listDamages {
		t.Run(tt.name, func(t *testing.T) {
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			before := memory.TotalAlloc
			s := d.open(t, func(b []byte) { tt.do(d, b, d.list(b)) })
			file, err := os.ReadFile(s.Path())
			must(t, err)
			_, err = s.Put(t.Context(), named("new"))
			wantDamaged(t, "Put", 0, err)
			if !strings.Contains(err.Error(), "caddy token-store recover") {
				t.Errorf("the error names no remedy: %v", err)
			}
			wantDamaged(t, "Delete", 0, s.Delete(t.Context(), treeRecord(0).Key, 1))
			if got := look(t, s); len(got.sound) != treeRecords || got.listed != treeRecords || len(got.due) != treeRecords {
				t.Errorf("%d records, %d listed, %d due", len(got.sound), got.listed, len(got.due))
			}
			if after, err := os.ReadFile(s.Path()); err != nil || !bytes.Equal(file, after) {
				t.Errorf("the file was changed: %v", err)
			}
			if runtime.ReadMemStats(&memory); memory.TotalAlloc-before > 256<<20 {
				t.Errorf("it took %d bytes", memory.TotalAlloc-before)
			}
		})
	}
}

// What was read before the file was locked may be of the middle of a commit of another process.
func TestAListThatIsSoundOnceTheFileIsLockedIsUsed(t *testing.T) {
	d := newTree3(t)
	path := filepath.Join(t.TempDir(), "tokens.db")
	must(t, os.WriteFile(path, d.whole, 0o600))
	h := &handle{readOnly: true} // as if it had looked damaged
	must(t, guard(func() error { return h.open(path, defaultLockTimeout) }))
	defer h.close() //nolint:errcheck // only read
	if h.readOnly || h.unwritable != nil || h.db.IsReadOnly() {
		t.Errorf("the file cannot be written: %v", h.unwritable)
	}
}

func TestAFileThatBeginsNowhereIsRefused(t *testing.T) {
	d := newTree3(t)
	for _, root := range []uint64{0, 1, d.meta.highWater, 1 << 63} {
		b := bytes.Clone(d.whole)
		for _, at := range []int{0, d.each} {
			m := b[at+pageHeaderLen:][:metaLen]
			order.PutUint64(m[16:], root)
			order.PutUint64(m[metaLen-8:], metaSum(m))
		}
		path := filepath.Join(t.TempDir(), "tokens.db")
		must(t, os.WriteFile(path, b, 0o600))
		_, err := Open(path, Options{})
		wantDamaged(t, "Open", int(root&0xffff), err)
	}
}
