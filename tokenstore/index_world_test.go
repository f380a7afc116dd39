package tokenstore_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// around opens the store anew, on the file with b around it, which has its own member for the file.
func (w *world) around(b storage.Backend, file *storage.Backend) {
	w.t.Helper()
	w.wrap = func(opened storage.Backend) storage.Backend {
		*file = opened
		return b
	}
	w.restart()
}

// stuckIndex is a storage whose due index is damaged: no entry can be moved, and reading it tells so.
type stuckIndex struct {
	storage.Backend
	stuck atomic.Bool
	// hides: what is in the index cannot be read either.
	hides atomic.Bool

	reads atomic.Int64 // of the index, since it is stuck
}

func (b *stuckIndex) Put(ctx context.Context, r storage.Record) (uint64, error) {
	if b.stuck.Load() && strings.HasPrefix(r.Key.ID, demo.Provider+"/") {
		before, err := b.Get(ctx, r.Key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return 0, err
		}
		if !before.Due.Equal(r.Due) {
			return 0, fmt.Errorf("put %s: a page of the due index: %w", r.Key.ID, storage.ErrDamaged)
		}
	}
	return b.Backend.Put(ctx, r)
}

func (b *stuckIndex) Due(ctx context.Context, bucket string, before time.Time, after storage.Due, limit int) ([]storage.Due, error) {
	page, err := b.Backend.Due(ctx, bucket, before, after, limit)
	if err != nil || bucket != "connections" || !b.stuck.Load() {
		return page, err
	}
	b.reads.Add(1)
	if b.hides.Load() {
		page = nil
	}
	return page, fmt.Errorf("due: a page of the index: %w", storage.ErrDamaged)
}

// withStuckIndex opens the world's store on a file whose index will be damaged.
func (w *world) withStuckIndex() *stuckIndex {
	w.t.Helper()
	index := new(stuckIndex)
	w.around(index, &index.Backend)
	return index
}

// longIndex is a storage that has very many entries in its due index before all others, of connections that it has no record of.
type longIndex struct {
	storage.Backend
	provider string
	size     int
	// slow, if not 0, is how long it takes to look for one of their records.
	slow time.Duration

	read  atomic.Int64 // entries of the index
	mu    sync.Mutex
	tried map[string]int // guarded by mu: how often each record was looked for
}

// longAgo is the time of the first one; each other comes a millisecond later.
var longAgo = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

func (b *longIndex) Due(ctx context.Context, bucket string, before time.Time, after storage.Due, limit int) ([]storage.Due, error) {
	if bucket != "connections" {
		return b.Backend.Due(ctx, bucket, before, after, limit)
	}
	next := 0
	if after.At.After(longAgo) || after.Key.ID != "" {
		next = int(min(after.At.Sub(longAgo)/time.Millisecond, time.Duration(b.size))) + 1
	}
	var page []storage.Due
	for ; next < b.size && len(page) < limit; next++ {
		page = append(page, storage.Due{
			Key: storage.Key{Bucket: bucket, ID: b.provider + "/user-" + strconv.Itoa(next)},
			At:  longAgo.Add(time.Duration(next) * time.Millisecond),
		})
	}
	var err error
	if len(page) < limit {
		var own []storage.Due
		own, err = b.Backend.Due(ctx, bucket, before, after, limit-len(page))
		page = append(page, own...)
	}
	b.read.Add(int64(len(page)))
	return page, err
}

func (b *longIndex) Get(ctx context.Context, key storage.Key) (storage.Record, error) {
	b.mu.Lock()
	if b.tried == nil {
		b.tried = map[string]int{}
	}
	b.tried[key.ID]++
	b.mu.Unlock()
	if strings.HasPrefix(key.ID, b.provider+"/user-") {
		time.Sleep(b.slow)
	}
	return b.Backend.Get(ctx, key)
}

func (b *longIndex) forgetTried() {
	b.mu.Lock()
	clear(b.tried)
	b.mu.Unlock()
}

// mostTried returns how often the record was looked for that was looked for most often, of those that it has an entry of only.
func (b *longIndex) mostTried() (most int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, n := range b.tried {
		if strings.HasPrefix(id, b.provider+"/user-") {
			most = max(most, n)
		}
	}
	return most
}
