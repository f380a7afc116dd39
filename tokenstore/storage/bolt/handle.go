package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// handle is an open database file.
type handle struct {
	db   *bbolt.DB
	file *os.File    // the one that bbolt uses; for asking only
	info fs.FileInfo // of file when it was opened, to recognise it

	fromDisk bool

	readOnly   bool            // bbolt has it open to read only
	suspect    error           // what was wrong with it before it was locked
	unwritable error           // why nothing may be written; only the writer changes it once the file is open
	proven     bool            // the writer has looked at all that it begins with
	shared     map[uint64]bool // roots that have a second place in the file, which the writer has found then

	size   atomic.Int64 // bytes that the file must have
	failed atomic.Bool  // it must be opened again
	stuck  atomic.Bool  // a panic may have left bbolt's locks held

	// beginMu guards the begin of transactions and close, so that nobody waits
	// for ever for a lock that a panic in bbolt left held. The end of a
	// transaction must not need it: a begin waits for a writer that remaps the
	// file, and the writer waits for readers to end.
	beginMu sync.Mutex
}

// view runs fn in a read-only transaction. Only what fn copies may leave it.
func (h *handle) view(fn func(*bbolt.Tx) error) error {
	return guard(func() error {
		tx, err := h.begin(false)
		if err != nil {
			return err
		}
		defer h.end(tx)
		return fn(tx)
	})
}

// begin starts a transaction. It must be called in [guard].
func (h *handle) begin(writable bool) (*bbolt.Tx, error) {
	h.beginMu.Lock()
	defer h.beginMu.Unlock()
	if h.failed.Load() {
		return nil, unavailable("begin transaction", berrors.ErrDatabaseNotOpen)
	}
	// The begin reads the meta pages with locks held, so a file that was cut
	// off must be noticed here.
	if err := h.checkSize(); err != nil {
		h.failed.Store(true)
		return nil, unavailable("begin transaction", err)
	}
	defer h.markPanic()
	tx, err := h.db.Begin(writable)
	if err != nil {
		return nil, unavailable("begin transaction", err)
	}
	return tx, nil
}

// end rolls tx back. After a commit it does nothing.
func (h *handle) end(tx *bbolt.Tx) {
	defer h.markPanic()
	_ = tx.Rollback() // fails only if the transaction has ended already
}

// markPanic is deferred around calls in which bbolt holds its locks. The panic
// goes on, to [guard].
func (h *handle) markPanic() {
	if p := recover(); p != nil {
		h.failed.Store(true)
		h.stuck.Store(true)
		panic(p)
	}
}

// fenceBytes is more than a transaction of one write can add to the file, even
// if it splits leaves that hold values of maxValue.
const fenceBytes = 256 << 20

// fence keeps the transaction under way from growing the file by more than its
// writes can need. A damaged page can claim to hold gigabytes, and bbolt would
// copy them when it writes something beside them.
func (h *handle) fence(batch []*write) {
	limit := h.size.Load() + fenceBytes
	for _, w := range batch {
		limit += 4 * int64(w.size)
	}
	h.db.MaxSize = int(min(limit, math.MaxInt))
}

// checkSize reports whether the file is as long as it was.
func (h *handle) checkSize() error {
	// First what it was, and then what it is: a commit may let it grow in between.
	least := h.size.Load()
	info, err := h.file.Stat()
	if err == nil && info.Size() < least {
		err = fmt.Errorf("file has shrunk from %d to %d bytes", least, info.Size())
	}
	return err
}

// noteSize remembers how large the file has become.
func (h *handle) noteSize() {
	if info, err := h.file.Stat(); err == nil {
		h.size.Store(info.Size())
	}
}

// checkPlace tells whether the path still leads to the open file. A write to a
// file that was removed or replaced would be acknowledged, and gone at the next
// start.
func (h *handle) checkPlace(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return unavailable("the open file is no longer in its place; put it back, or restart", err)
	}
	if !os.SameFile(info, h.info) {
		return unavailable("restart to use the new file", fmt.Errorf("another file was put to %s", path))
	}
	return nil
}

// close waits for the transactions under way. If a panic left locks of bbolt
// held, waiting could last for ever; then the file is closed and its mapping is
// given up.
func (h *handle) close() error {
	h.beginMu.Lock()
	defer h.beginMu.Unlock()
	h.failed.Store(true)
	switch {
	case h.file == nil:
		return nil
	case h.stuck.Load():
		return errors.Join(unlock(h.file), h.file.Close())
	default:
		return h.db.Close()
	}
}
