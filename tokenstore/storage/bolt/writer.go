package bolt

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"time"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// maxBatch is how many writes share a transaction at most, so that the first of
// them does not wait long.
const maxBatch = 256

// gatherFor is how long a transaction waits for more, if nobody waits for what it has.
const gatherFor = 5 * time.Millisecond

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

// gather returns first and those that share a transaction with it. While one is synced to the disk, those who come meanwhile
// queue up, and that is what makes the next one large. It waits for no more of them, unless nobody waits for any that it has.
func (s *Store) gather(first *write) []*write {
	batch := s.drain([]*write{first})
	if slices.ContainsFunc(batch, (*write).hurries) {
		return batch
	}
	late := time.NewTimer(gatherFor)
	defer late.Stop()
	for len(batch) < maxBatch {
		select {
		case w := <-s.queue:
			if batch = append(batch, w); w.hurries() {
				return s.drain(batch)
			}
		case <-late.C:
			return batch
		case <-s.closing:
			return batch
		}
	}
	return batch
}

// drain appends what is in the queue.
func (s *Store) drain(batch []*write) []*write {
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

// hurries reports whether somebody waits for w.
func (w *write) hurries() bool { return !storage.Patient(w.ctx) }

// commit makes the writes of the batch durable and tells their outcome. A write
// that meets a damaged page fails alone: the others are tried again without it.
func (s *Store) commit(batch []*write) {
	for len(batch) > 0 {
		start := time.Now()
		n, culprit, err := s.attempt(batch)
		if culprit != nil {
			culprit.finish(err)
			batch = without(batch, culprit)
			continue
		}
		split := len(batch) > 1 && isDamage(err)
		if !split {
			s.finish(batch, err)
		}
		if n > 0 && s.onCommit != nil {
			s.onCommit(CommitInfo{Duration: time.Since(start), Operations: n, Err: err})
		}
		if split { // since nobody knows which one it was
			for _, w := range batch {
				s.commit([]*write{w})
			}
		}
		return
	}
}

// finish tells the outcome of a batch, to the watchers first, so that whoever
// has an answer can rely on them being told.
func (s *Store) finish(batch []*write, err error) {
	if err != nil && !errors.Is(err, storage.ErrClosed) && !errors.Is(err, storage.ErrUnavailable) {
		err = unavailable("commit", err)
	}
	for _, w := range batch {
		if err == nil && w.err == nil {
			s.watchers.publish(storage.Event{Key: w.key, Revision: w.revision})
		}
		w.finish(err)
	}
}

// finish answers who waits for w. The error is one that has nothing to do with
// the outcome of w in its transaction.
func (w *write) finish(err error) {
	if err != nil {
		w.revision, w.err = 0, err
	}
	close(w.done)
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
	if h.unwritable != nil {
		refuse(batch, h.unwritable)
		return 0, nil, nil //nolint:nilerr // each of them has its answer
	}
	var current *write
	committing := false
	err = guard(func() error {
		tx, err := h.begin(true)
		if err != nil {
			return err
		}
		defer h.end(tx)
		w, err := h.startWriting(tx)
		if errors.Is(err, errUnwritable) {
			h.unwritable = err
			refuse(batch, err)
			return nil
		}
		if err != nil {
			return err
		}
		h.fence(batch)
		for _, current = range batch {
			if err := current.in(w); err != nil {
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
	case committing && !isUndone(err):
		s.file.fail(h, err)
	}
	return n, current, err
}

// refuse notes for each write of a batch why there is no transaction for it.
func refuse(batch []*write, err error) {
	for _, w := range batch {
		w.err = err
	}
}

// in runs the write in the transaction and notes its outcome. The error is one
// after which the transaction cannot go on, because the write may be half done.
func (w *write) in(tx *writing) error {
	if w.err = w.ctx.Err(); w.err != nil {
		return nil //nolint:nilerr // nobody waits for it, and the transaction is as it was
	}
	w.revision, w.err = w.apply(tx)
	for _, refusal := range []error{nil, storage.ErrConflict, storage.ErrNotFound, storage.ErrDamaged} {
		if errors.Is(w.err, refusal) {
			return nil
		}
	}
	return w.err
}

// isUndone tells a commit that bbolt has undone by itself, because there is no
// room, so that the handle is good for the next one. A failed fsync that gives
// the same reason is another thing: it comes as a bare errno.
func isUndone(err error) bool {
	var write *fs.PathError
	return errors.Is(err, berrors.ErrMaxSizeReached) ||
		errors.As(err, &write) && write.Op == "write" && (errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT))
}

// isDamage tells a commit that failed because of what it found in the file.
func isDamage(err error) bool {
	return errors.Is(err, berrors.ErrMaxSizeReached) || errors.As(err, new(panicError))
}
