package bolt

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// maxBatch is how many writes share a transaction at most, so that the first of
// them does not wait long.
const maxBatch = 256

// writeLoop commits what is in the queue until the store closes. It is the only
// goroutine that writes.
func (s *Store) writeLoop() {
	defer close(s.written)
	for {
		select {
		case first := <-s.queue:
			s.commit(s.gather(first))
		case <-s.closing:
			return // whoever still waits sees written closed
		}
	}
}

// gather returns first and what is in the queue already. It waits for nothing:
// while a transaction is synced to the disk, those who come meanwhile queue
// up, and that is what makes the next one large.
func (s *Store) gather(first *write) []*write {
	batch := []*write{first}
	for len(batch) < maxBatch {
		select {
		case w := <-s.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit makes the writes of the batch durable and tells their outcome. A write
// that meets a damaged page fails alone: the others are tried again without it.
func (s *Store) commit(batch []*write) {
	for len(batch) > 0 {
		start := time.Now()
		n, culprit, err := s.attempt(batch)
		duration := time.Since(start)
		if culprit != nil {
			culprit.err = err
			close(culprit.done)
			batch = without(batch, culprit)
			continue
		}
		for _, w := range batch {
			if err != nil {
				w.revision, w.err = 0, err
			} else if w.err == nil {
				s.watchers.publish(storage.Event{Key: w.key, Revision: w.revision})
			}
			close(w.done)
		}
		if n > 0 && s.onCommit != nil {
			s.onCommit(CommitInfo{Duration: duration, Operations: n, Err: err})
		}
		return
	}
}

func without(batch []*write, gone *write) []*write {
	rest := make([]*write, 0, len(batch))
	for _, w := range batch {
		if w != gone {
			rest = append(rest, w)
		}
	}
	return rest
}

// attempt applies the batch in one transaction and commits it. It returns how
// many writes there were to commit. If the transaction was given up before its
// commit because of one write, it returns that one.
func (s *Store) attempt(batch []*write) (n int, culprit *write, err error) {
	h, err := s.file.handle()
	if err != nil {
		return len(batch), nil, err
	}
	if err := h.checkPlace(s.path); err != nil {
		return len(batch), nil, err
	}
	var current *write
	committing := false
	err = guard(func() error {
		tx, err := h.begin(true)
		if err != nil {
			return err
		}
		defer h.end(tx)
		for _, current = range batch {
			if err := current.in(tx); err != nil {
				return err
			}
			if current.err == nil {
				n++
			}
		}
		current = nil
		if n == 0 {
			return nil
		}
		committing = true
		return tx.Commit()
	})
	switch {
	case err == nil:
		h.noteSize()
		return n, nil, nil
	case current != nil:
		return 0, current, err
	case committing && !isFull(err):
		s.file.fail(h, err)
	}
	return len(batch), nil, unavailable("commit", err)
}

// in runs the write in the transaction and notes its outcome. The error is one
// after which the transaction cannot go on, because the write may be half done.
func (w *write) in(tx *bbolt.Tx) error {
	if w.err = w.ctx.Err(); w.err != nil {
		return nil // nobody waits for it
	}
	w.revision, w.err = w.apply(tx)
	for _, refusal := range []error{nil, storage.ErrConflict, storage.ErrNotFound, storage.ErrDamaged} {
		if errors.Is(w.err, refusal) {
			return nil
		}
	}
	return w.err
}

// isFull tells a commit that failed because there is no more room. bbolt has
// undone it, and the handle is good for the next one. A failed fsync that gives
// the same reason is another thing: it comes as a bare errno.
func isFull(err error) bool {
	var write *fs.PathError
	return errors.Is(err, berrors.ErrMaxSizeReached) ||
		errors.As(err, &write) && write.Op == "write" && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT))
}
