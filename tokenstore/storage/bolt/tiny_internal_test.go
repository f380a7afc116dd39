package bolt

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// tiny is a database with a tree whose branches have so few elements that bbolt, when it removes keys, merges them on many levels. It is
// built page by page, since bbolt leaves such a tree only after a long history.
type tiny struct {
	file    []byte
	each    int
	levels  map[uint64]int  // of the pages of the tree; that of leaves is 0
	keys    map[string]bool // of the tree, and whether they are to be removed
	removed [][]byte        // the keys below the broad branch, without the first of each leaf
	tinyShape
}

// tinyShape says how the tree is to be. All its branches have two children, but for a broad one.
type tinyShape struct {
	lengths [tinyLevels + 1]int // bytes of a key, by the level of the highest page that it is the first of; of pages of 4096 bytes
	edge    int                 // the first leaf of the broad branch
	broad   int                 // the leaves that it has
}

const (
	tinyLevels = 7 // of branches
	tinyLeaves = 1 << tinyLevels
)

// newTiny makes one, and leaves its file closed.
func newTiny(t *testing.T, shape tinyShape) *tiny {
	t.Helper()
	s := openNew(t, Options{})
	must(t, s.file.current.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket(recordsBucket).CreateBucket([]byte(treeBucket))
		if err != nil {
			return err
		}
		return b.Put([]byte("x"), make([]byte, os.Getpagesize())) // so that it has pages of its own
	}))
	path := s.Path()
	must(t, s.Close())
	d := &tiny{each: os.Getpagesize(), levels: map[uint64]int{}, keys: map[string]bool{}, tinyShape: shape}
	var err error
	d.file, err = os.ReadFile(path)
	must(t, err)
	meta, _ := newest(bytes.NewReader(d.file))
	d.file = d.file[:int(meta.highWater)*d.each]
	_, root := d.tree(tinyLevels, tinyLevels, 0)

	m := mapping{data: d.file, each: d.each, root: meta.root}
	records, err := m.topBucket(recordsBucket)
	must(t, err)
	e, err := m.find(records, []byte(treeBucket))
	must(t, err)
	order.PutUint64(e.value, root)
	head := d.file[int(meta.txid%2)*d.each+pageHeaderLen:]
	order.PutUint64(head[40:], m.count())
	order.PutUint64(head[metaLen-8:], metaSum(head))
	return d
}

// tree adds a page of a level and what is below it. Its first key is that of a page of the level first too; before is how many leaves
// are before it, the broad branch counted as two.
func (d *tiny) tree(level, first, before int) (key []byte, id uint64) {
	if level == 0 {
		return d.leaf(d.lengths[first], false)
	}
	var keys [][]byte
	var children []uint64
	child := func(key []byte, id uint64) { keys, children = append(keys, key), append(children, id) }
	if level == 1 && before == d.edge {
		child(d.leaf(d.lengths[first], true))
		for range d.broad - 1 {
			child(d.leaf(d.lengths[0], true))
		}
	} else {
		child(d.tree(level-1, first, before))
		child(d.tree(level-1, level-1, before+1<<(level-1)))
	}
	return keys[0], d.page(level, keys, children)
}

// leaf adds a leaf of three keys, of which the first has a length.
func (d *tiny) leaf(length int, remove bool) (first []byte, id uint64) {
	keys := make([][]byte, 3)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%06d", len(d.keys))
		if i == 0 {
			keys[i] = append(keys[i], strings.Repeat("-", length*d.each/4096)...)
		} else if remove {
			d.removed = append(d.removed, keys[i])
		}
		d.keys[string(keys[i])] = i > 0 && remove
	}
	return keys[0], d.page(0, keys, nil)
}

// page adds a page as bbolt writes it.
func (d *tiny) page(level int, keys [][]byte, children []uint64) (id uint64) {
	id = uint64(len(d.file) / d.each)
	p := make(page, pageHeaderLen+len(keys)*elementLen)
	text, start := bytes.Join(keys, nil), len(p)
	order.PutUint64(p, id)
	order.PutUint16(p[8:], leafFlag)
	order.PutUint16(p[10:], uint16(len(keys)))
	for i, key := range keys {
		at := pageHeaderLen + i*elementLen
		h := p[at:]
		if level > 0 {
			order.PutUint16(p[8:], branchFlag)
			order.PutUint64(h[8:], children[i])
		} else {
			h = h[4:]
		}
		order.PutUint32(h, uint32(start-at))
		order.PutUint32(h[4:], uint32(len(key)))
		start += len(key)
	}
	overflow := (start - 1) / d.each
	order.PutUint32(p[12:], uint32(overflow))
	d.file = append(append(d.file, p...), text...)
	d.file = append(d.file, make([]byte, (overflow+1)*d.each-start)...)
	d.levels[id] = level
	return id
}

// open opens a store on a file that was damaged.
func (d *tiny) open(t *testing.T, damage func(b []byte)) *Store {
	t.Helper()
	b := bytes.Clone(d.file)
	damage(b)
	path := filepath.Join(t.TempDir(), "tokens.db")
	must(t, os.WriteFile(path, b, 0o600))
	s, err := Open(path, Options{})
	must(t, err)
	return s
}

// remove removes the keys in one transaction, but for those that damage is in the way of. It returns which pages were
// checked for it.
func (d *tiny) remove(t *testing.T, s *Store) (done, refused int, checked map[uint64]bool) {
	t.Helper()
	checked = map[uint64]bool{}
	h := s.file.current
	must(t, guard(func() error {
		tx, err := h.begin(true)
		if err != nil {
			return err
		}
		defer h.end(tx)
		w, err := h.startWriting(tx)
		if err != nil {
			return err
		}
		for _, key := range d.removed {
			if _, err := w.paths.reach(recordsBucket, treeBucket, key, true); err != nil {
				wantDamaged(t, "Delete", number(string(key)), err)
				refused++
				continue
			}
			done++
			if err := tx.Bucket(recordsBucket).Bucket([]byte(treeBucket)).Delete(key); err != nil {
				return err
			}
		}
		for id := range w.paths.sound {
			checked[id] = true
		}
		return tx.Commit()
	}))
	return done, refused, checked
}
