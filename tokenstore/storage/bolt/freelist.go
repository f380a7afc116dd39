package bolt

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// errUnwritable says why a file is read only: bbolt would write over pages that are in use.
var errUnwritable = errors.New("the list of free pages is damaged, so nothing can be written; stop the server and run `caddy token-store recover`")

func unwritable(format string, args ...any) error {
	return fmt.Errorf("%w: %w: %s", storage.ErrDamaged, errUnwritable, fmt.Sprintf(format, args...))
}

// checkFreelist reads the list of free pages, and keeps nothing of it: bbolt believes what the list says, however
// long it is. The error wraps errUnwritable if the list is damaged.
func checkFreelist(f io.ReaderAt, m meta) error {
	head := make(page, pageHeaderLen+8)
	if m.freelist < 2 || m.freelist >= m.highWater {
		return unwritable("it is said to be in page %d of %d", m.freelist, m.highWater)
	}
	at := int64(m.freelist) * m.pageSize //nolint:gosec // less than the pages of the file
	if _, err := f.ReadAt(head, at); err != nil {
		return fmt.Errorf("read the list of free pages: %w", err)
	}
	n, skip, err := head.listed(m)
	if err != nil {
		return err
	}
	list := bufio.NewReaderSize(io.NewSectionReader(f, at+skip, int64(n)*8), 1<<16) //nolint:gosec // listed has checked it
	last, b := uint64(1), make([]byte, 8)
	for range n {
		if _, err := io.ReadFull(list, b); err != nil {
			return fmt.Errorf("read the list of free pages: %w", err)
		}
		id := order.Uint64(b)
		if id <= last || id >= m.highWater || id == m.root || id >= m.freelist && id <= m.freelist+uint64(head.overflow()) {
			return unwritable("page %d lists page %d", m.freelist, id)
		}
		last = id
	}
	return nil
}

// listHead returns the same as listed, whatever is said.
func (p page) listHead() (n uint64, skip int64) {
	if n = uint64(p.count()); n == 0xFFFF && len(p) >= pageHeaderLen+8 { //nolint:gosec // 16 bits
		return order.Uint64(p[pageHeaderLen:]), pageHeaderLen + 8
	}
	return n, pageHeaderLen
}

// listed returns how many pages the head of the list says that there are, and where in the page they begin.
func (p page) listed(m meta) (n uint64, skip int64, err error) {
	n, skip = p.listHead()
	pages, each := uint64(p.overflow())+1, uint64(m.pageSize) //nolint:gosec // never negative
	switch {
	case p.id() != m.freelist || p.flags() != freelistFlag:
		return 0, 0, unwritable("page %d is not one", m.freelist)
	case m.freelist+pages > m.highWater || n >= m.highWater:
		return 0, 0, unwritable("page %d has more than the file", m.freelist)
	// bbolt takes as many pages as the list needed before it took them from it.
	case pages < (uint64(skip)+8*n)/each+1 || pages > (uint64(skip)+8*(n+pages+1))/each+1: //nolint:gosec // skip is never negative
		return 0, 0, unwritable("page %d is not as long as it should be", m.freelist)
	}
	return n, skip, nil
}

// freed are the ids of free pages, in their order, as they are in a list that was checked.
type freed []byte

// any reports whether one of the pages from first to last is among them.
func (f freed) any(first, last uint64) bool {
	low, high := 0, len(f)/8
	for low < high {
		middle := (low + high) / 2
		if order.Uint64(f[8*middle:]) < first {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low < len(f)/8 && order.Uint64(f[8*low:]) <= last
}

// freed returns the list that a transaction begins with.
func (m mapping) freed(meta meta) (freed, error) {
	if meta.freelist < 2 || meta.freelist >= m.count() {
		return nil, unwritable("it is said to be in page %d", meta.freelist)
	}
	at := int(meta.freelist) * m.each //nolint:gosec // less than count
	n, skip, err := page(m.data[at : at+m.each]).listed(meta)
	if err != nil {
		return nil, err
	}
	return freed(m.data[at+int(skip):][:8*n]), nil
}
