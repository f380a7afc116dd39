package tokenstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Options are what a Store is made of.
type Options struct {
	// Backend keeps the records. The Store closes it, also if Open fails.
	Backend storage.Backend
	// Key wraps the keyset that seals the records.
	Key seal.Key
	// Client talks to the authorization servers; one with the defaults if nil.
	Client *oauth.Client
	// Now is the wall clock; time.Now if nil.
	Now func() time.Time
}

// Store is the engine: it keeps connections and their tokens. All methods are
// safe for concurrent use, and return [ErrClosed] after Close.
type Store struct {
	backend storage.Backend
	client  *oauth.Client
	now     func() time.Time

	records   records
	published *published
	flights   *flights
	schedule  schedule
	census    census
	consents  consents
	keys      *callerkey.Keys
	backingUp sync.Mutex // held while a backup is open
	rotation  rotation
	restored  time.Time // when the storage was put back to an earlier state; zero if never

	attached attachments
	config   atomic.Pointer[configuration] // in force; never nil

	closed     atomic.Bool
	work       context.Context    // of the background work
	stop       context.CancelFunc // ends it
	startMu    sync.Mutex         // held while background work starts, or is stopped
	background sync.WaitGroup
	closeOnce  sync.Once
	closeErr   error
}

// Open makes a store of a backend. It reads the keyset and the caller keys, and no connection: that
// is left to the first use and to the background. It returns an error that wraps seal.ErrWrongKey
// if the records are sealed with another key; the backend is untouched then.
func Open(ctx context.Context, o Options) (*Store, error) {
	sealer, err := seal.Open(ctx, o.Backend, o.Key, SealedBuckets()...)
	if err != nil {
		return nil, errors.Join(err, o.Backend.Close())
	}
	s := &Store{
		backend: o.Backend, client: o.Client, now: o.Now,
		records:   records{backend: o.Backend, sealer: sealer, unsaved: map[ID]*stored{}, refused: make(chan struct{}, 1)},
		published: newPublished(),
		flights:   newFlights(),
		schedule:  newSchedule(),
		census:    newCensus(),
		attached:  attachments{paces: map[string]*pace{}, hosts: map[string]*breaker{}, told: toldPauses{of: map[string]pause{}}},
		restored:  restoredAt(ctx, o.Backend),
	}
	if s.client == nil {
		s.client = oauth.NewClient(oauth.Options{})
	}
	if s.now == nil {
		s.now = wallClock
	}
	s.records.onUnmoved = s.tellDamagedIndex
	s.config.Store(&configuration{observer: NopObserver{}})

	background, stop := context.WithCancel(context.Background())
	s.work, s.stop = background, stop
	changes, err := o.Backend.Watch(background, bucketConnections)
	if err == nil {
		s.keys, err = callerkey.Open(ctx, callerkey.Options{Backend: sealer.Backend(), Now: s.now, Trouble: s.trouble})
	}
	if err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("watching the storage: %w", err), o.Backend.Close())
	}
	s.background.Go(func() { s.follow(changes) })
	s.background.Go(func() { s.runSchedule(background) })
	s.background.Go(func() { s.runUnindexed(background) })
	s.background.Go(func() { s.runSaver(background) })
	s.background.Go(func() { s.runTurns(background) })
	s.background.Go(func() { s.takeCensus(background) })
	s.resumeRotation()
	return s, nil
}

// wallClock is the time without the reading of the monotonic clock, which stands still while a machine sleeps: a token has expired by then
// all the same.
func wallClock() time.Time { return time.Now().Round(0) }

// inBackground starts work that ends with the store. It reports false if that has ended already.
func (s *Store) inBackground(work func(context.Context)) bool {
	s.startMu.Lock()
	defer s.startMu.Unlock()
	if s.work.Err() != nil {
		return false
	}
	s.background.Go(func() { work(s.work) })
	return true
}

// Close stops the schedule, waits until ctx ends for the refreshes under way, saves
// what is unsaved if the storage takes it, and closes the backend. The error tells what
// could not be waited for or saved. Closing twice is no error.
func (s *Store) Close(ctx context.Context) error {
	s.closeOnce.Do(func() {
		err := s.flights.close(ctx)
		s.closed.Store(true)
		s.published.restrict(func(ID) bool { return false })
		s.startMu.Lock()
		s.stop()
		s.startMu.Unlock()
		s.background.Wait()
		s.keys.Close()
		err = errors.Join(err, s.saveLast())
		s.closeErr = errors.Join(err, s.backend.Close())
	})
	return s.closeErr
}

// CallerKeys returns the keys by which callers are known, which are kept in the same storage. They are
// closed with the store.
func (s *Store) CallerKeys() *callerkey.Keys { return s.keys }

func (s *Store) trouble(op string, err error) { s.observer().Trouble(op, err) }

// Health is the store's own state.
type Health struct {
	// Unsaved is how many tokens are kept in memory only, because the storage
	// does not take them. It must be 0.
	Unsaved int
	// Storage is why the storage failed the last time it was used; nil if it did not.
	Storage error
}

// Health tells whether the store is well.
func (s *Store) Health() Health {
	return Health{Unsaved: len(s.records.unsavedIDs()), Storage: s.records.storageErr()}
}

// follow keeps the hot map true when somebody else changes a record.
func (s *Store) follow(changes <-chan storage.Event) {
	for e := range changes {
		if e.Missed {
			s.published.doubt(s.flights.has)
			continue
		}
		id, err := ParseID(e.Key.ID)
		if err != nil || s.flights.has(id) {
			continue // a flight holds the lease: the change is our own
		}
		s.schedule.holds.forgetVain(id)
		s.published.dropOlder(id, e.Revision)
	}
}
