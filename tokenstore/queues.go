package tokenstore

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// queueMost bounds what is kept in memory of a provider's due connections.
const queueMost = 4096

// queued is a due connection.
type queued struct {
	id ID
	at time.Time // since when it is due
}

// queue has the due connections of one provider, in the order in which they are to be started. It is a part of what the due index
// has, so that one provider with very many keeps no other waiting, whatever the order in the index. Only the schedule's goroutine uses it.
type queue struct {
	entries []queued
	ids     map[ID]bool
	// more: of the entries behind this one, there was no room for some. Those are read again when there is.
	more bool
	from storage.Due
}

func (q *queue) full() bool { return len(q.entries) >= queueMost }

// wants reports whether it is time to read what there was no room for.
func (q *queue) wants() bool { return q.more && len(q.entries) <= queueMost/2 }

// push appends e unless it is in the queue already. It reports false if there is no room.
func (q *queue) push(e queued) bool {
	if q.ids[e.id] {
		return true
	}
	if q.full() {
		return false
	}
	if q.ids == nil {
		q.ids = map[ID]bool{}
	}
	q.entries, q.ids[e.id] = append(q.entries, e), true
	return true
}

func (q *queue) pop() {
	delete(q.ids, q.entries[0].id)
	q.entries = q.entries[1:]
	if len(q.entries) == 0 {
		q.entries, q.ids = nil, nil // takes no memory while nothing is due
	}
}

// missed notes that there was no room for an entry behind from.
func (q *queue) missed(from storage.Due) {
	if !q.more || compareDue(from, q.from) < 0 {
		q.more, q.from = true, from
	}
}

// compareDue compares the places of two entries in the index.
func compareDue(a, b storage.Due) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Key.ID, b.Key.ID))
}

// laterMost bounds what is looked at again one by one.
const laterMost = 4096

// laters are connections that are held, to be looked at again when that is over.
type laters struct {
	heap []later
	ids  map[ID]bool
}

type later struct {
	queued
	until time.Duration // as holds count
}

// add reports false if there is no room.
func (l *laters) add(e later) bool {
	if l.ids[e.id] {
		return true
	}
	if len(l.heap) >= laterMost {
		return false
	}
	if l.ids == nil {
		l.ids = map[ID]bool{}
	}
	l.ids[e.id] = true
	heap.Push(l, e)
	return true
}

// over takes out those whose hold is over.
func (l *laters) over(now time.Duration) (due []queued) {
	for len(l.heap) > 0 && l.heap[0].until <= now {
		due = append(due, heap.Pop(l).(later).queued)
		delete(l.ids, due[len(due)-1].id)
	}
	return due
}

// Len is a part of [heap.Interface].
func (l *laters) Len() int { return len(l.heap) }

// Less is a part of [heap.Interface].
func (l *laters) Less(i, j int) bool { return l.heap[i].until < l.heap[j].until }

// Swap is a part of [heap.Interface].
func (l *laters) Swap(i, j int) { l.heap[i], l.heap[j] = l.heap[j], l.heap[i] }

// Push is a part of [heap.Interface].
func (l *laters) Push(e any) { l.heap = append(l.heap, e.(later)) }

// Pop is a part of [heap.Interface].
func (l *laters) Pop() any {
	last := l.heap[len(l.heap)-1]
	l.heap = l.heap[:len(l.heap)-1]
	return last
}
