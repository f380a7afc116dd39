package callerkey

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// MaxKeys is how many keys there can be.
const MaxKeys = 10_000

// Options are what Keys are made of.
type Options struct {
	// Backend keeps the records, and seals them. Keys does not close it.
	Backend storage.Backend
	// Now is the wall clock; time.Now if nil.
	Now func() time.Time
	// Rand is where keys come from; crypto/rand if nil.
	Rand io.Reader
	// Trouble is told when the records cannot be read. Nothing it is told is a secret. It
	// may be nil.
	Trouble func(op string, err error)
}

// Keys are the keys of one storage. All methods are safe for concurrent use.
type Keys struct {
	backend storage.Backend
	now     func() time.Time
	random  io.Reader
	trouble func(string, error)

	table  atomic.Pointer[table]  // never nil
	signer atomic.Pointer[signer] // nil: not known, or none was made yet

	// mu is held by whoever changes a record or reads one into the table, also while the storage
	// is asked: so nobody can put back what another one has just taken away.
	mu     sync.Mutex
	closed bool // guarded by mu
	// signerDamaged: the stored signer cannot be read, which was told. Guarded by mu.
	signerDamaged bool

	stop     context.CancelFunc // ends the following of changes
	followed sync.WaitGroup
}

// Open reads the keys and follows their changes until Close. It writes nothing. Keys that cannot be
// read, or that damage of the storage may have brought back, are refused and told by Problems; if the storage cannot be read now, that is tried again in the
// background. It returns an error if the backend cannot be watched.
func Open(ctx context.Context, o Options) (*Keys, error) {
	k := &Keys{backend: o.Backend, now: o.Now, random: o.Rand, trouble: o.Trouble}
	if k.now == nil {
		k.now = func() time.Time { return time.Now().Round(0) } // keys expire by the wall clock, also while a machine sleeps
	}
	if k.random == nil {
		k.random = rand.Reader
	}
	if k.trouble == nil {
		k.trouble = func(string, error) {}
	}
	k.table.Store(newTable())
	background, stop := context.WithCancel(context.Background())
	k.stop = stop
	// First the watch, then the reading: what changes in between is told.
	changes, err := o.Backend.Watch(background, Bucket)
	if err != nil {
		stop()
		return nil, fmt.Errorf("watching the caller keys: %w", err)
	}
	err = k.reload(ctx)
	k.followed.Go(func() { k.follow(background, changes, err) })
	return k, nil
}

// Close ends the following of changes. Afterwards Find finds nothing, and what
// changes something returns storage.ErrClosed. Closing twice is no error.
func (k *Keys) Close() {
	k.stop()
	k.followed.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.table.Store(newTable())
	k.signer.Store(nil)
}

// List returns the keys by name, those that have expired or are damaged too. Damage tells whether there may be others.
func (k *Keys) List() []Key {
	t := k.table.Load()
	list := make([]Key, 0, len(t.byName))
	for _, e := range t.byName {
		list = append(list, e.key.clone())
	}
	slices.SortFunc(list, func(a, b Key) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Damage returns an error that wraps storage.ErrDamaged if damage of the storage keeps records of keys from being found, nil if it does not. Such
// keys are refused, unless they were read before. It is no secret.
func (k *Keys) Damage() error { return k.table.Load().damage }

// Problems returns an error that wraps ErrDamaged for each key whose record cannot be
// read, or may be one that was revoked, by name, and what Damage returns. None holds a secret.
func (k *Keys) Problems() (problems []error) {
	t := k.table.Load()
	for _, name := range slices.Sorted(maps.Keys(t.byName)) {
		if e := t.byName[name]; e.problem != nil {
			problems = append(problems, e.problem)
		}
	}
	if t.damage != nil {
		problems = append(problems, t.damage)
	}
	return problems
}

// update replaces the table, whoever else does so at the same time.
func (k *Keys) update(change func(*table) *table) {
	for {
		if old := k.table.Load(); k.table.CompareAndSwap(old, change(old)) {
			return
		}
	}
}

// Identity is who presented a key or a grant, and what for it may be used.
type Identity struct {
	Name  string // of the key
	Scope Scope  // narrowed by the grant; it must not be changed
	Grant bool   // a grant was presented
	// ExpiresAt is when the key, or the grant, ends; zero: never.
	ExpiresAt time.Time
}

// Find returns who presented a key or a grant. It is false for all that is no key, and for keys that have
// expired or were revoked, and how long it takes tells no difference that helps to guess one. For
// a key it allocates nothing and waits for nobody.
func (k *Keys) Find(presented string) (Identity, bool) {
	if strings.HasPrefix(presented, GrantPrefix) {
		return k.findGrant(presented)
	}
	e := k.find(presented)
	if e == nil {
		return Identity{}, false
	}
	return Identity{Name: e.key.Name, Scope: e.key.Scope, ExpiresAt: e.key.ExpiresAt}, true
}

// find returns the valid key that was presented, nil if it is none.
func (k *Keys) find(presented string) *entry {
	id, ok := keyID(presented)
	if !ok {
		return nil
	}
	got := digest(presented)
	var want [sha256.Size]byte // of an unknown id: compared all the same, and never equal
	e := k.table.Load().byID[id]
	if e != nil {
		want = e.digest
	}
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || e == nil || !e.valid(k.now()) {
		return nil
	}
	return e
}

// clone returns a copy that shares nothing with k.
func (k Key) clone() Key {
	k.Scope = Scope{
		Connections: slices.Clone(k.Scope.Connections),
		Methods:     slices.Clone(k.Scope.Methods),
		Paths:       slices.Clone(k.Scope.Paths),
		Origins:     slices.Clone(k.Scope.Origins),
	}
	return k
}
