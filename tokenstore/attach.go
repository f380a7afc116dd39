package tokenstore

import (
	"slices"
	"sync"
)

// Attachment is a configuration that uses the store.
type Attachment struct {
	Providers []*Provider
	// Observer is told what happens while this is the configuration in force;
	// nobody is if it is nil.
	Observer Observer
}

// configuration is an attachment made ready for use. It is immutable.
type configuration struct {
	providers map[string]*Provider
	observer  Observer
}

// attachments is the stack of configurations. A reload attaches the new one
// before the old one detaches, and a failed reload detaches the new one again.
type attachments struct {
	mu    sync.Mutex
	stack []*configuration // guarded by mu
	paces map[string]*pace // guarded by mu; by provider name
}

// Attach makes the store work with a configuration until detach is called. The
// youngest attachment that is still there is the one in force, so that a failed reload
// leaves the old one as it was. Calling detach twice is no error.
func (s *Store) Attach(a Attachment) (detach func()) {
	c := &configuration{providers: make(map[string]*Provider, len(a.Providers)), observer: a.Observer}
	if c.observer == nil {
		c.observer = NopObserver{}
	}
	for _, p := range a.Providers {
		c.providers[p.name] = p
	}
	s.attached.mu.Lock()
	s.attached.stack = append(s.attached.stack, c)
	resumed := s.adoptLocked()
	s.attached.mu.Unlock()
	s.noteResumed(resumed)
	for _, err := range s.keys.Problems() {
		// Nobody listened when they were read.
		c.observer.Trouble("reading the caller keys", err)
	}
	return func() { s.detach(c) }
}

func (s *Store) detach(c *configuration) {
	var resumed []string
	s.attached.mu.Lock()
	if i := slices.Index(s.attached.stack, c); i >= 0 {
		s.attached.stack = slices.Delete(s.attached.stack, i, i+1)
		resumed = s.adoptLocked()
	}
	s.attached.mu.Unlock()
	s.noteResumed(resumed)
}

// noteResumed tells that these providers are called again.
func (s *Store) noteResumed(names []string) {
	for _, name := range names {
		s.observer().ProviderPaused(PauseEvent{Provider: name})
	}
}

// adoptLocked puts the youngest attachment into force. It returns the providers
// whose pause ended by that.
func (s *Store) adoptLocked() (resumed []string) {
	c := &configuration{observer: NopObserver{}}
	if n := len(s.attached.stack); n > 0 {
		c = s.attached.stack[n-1]
	}
	for name, old := range s.attached.paces {
		// Whatever a server held against the old settings, it may like the
		// new ones.
		if p := c.providers[name]; p == nil || p.fingerprint != old.provider.fingerprint {
			delete(s.attached.paces, name)
			if !old.pausedUntil().IsZero() {
				resumed = append(resumed, name)
			}
		}
	}
	s.config.Store(c)
	s.published.restrict(func(id ID) bool { return !s.closed.Load() && c.providers[id.Provider] != nil })
	s.schedule.wake()
	return resumed
}

// Provider returns a provider of the configuration in force.
func (s *Store) Provider(name string) (*Provider, bool) {
	p, ok := s.config.Load().providers[name]
	return p, ok
}

func (s *Store) observer() Observer { return s.config.Load().observer }

// pace returns the pace of p, which outlives reloads that do not change p.
func (s *Store) pace(p *Provider) *pace {
	s.attached.mu.Lock()
	defer s.attached.mu.Unlock()
	pc := s.attached.paces[p.name]
	if pc == nil || pc.provider.fingerprint != p.fingerprint {
		pc = newPace(p)
		if s.inForce(p) {
			s.attached.paces[p.name] = pc
		}
	}
	return pc
}

// inForce reports whether p is still how its provider is configured. It may not be for
// a flight that began before a reload.
func (s *Store) inForce(p *Provider) bool {
	now, known := s.Provider(p.name)
	return known && now.fingerprint == p.fingerprint
}

// notePause tells the observer, and the schedule when a provider is back.
func (s *Store) notePause(p *Provider, change pause) {
	if !change.changed || !s.inForce(p) {
		return
	}
	s.observer().ProviderPaused(PauseEvent{Provider: p.name, Until: change.until, Reason: change.reason})
	s.schedule.wake()
}
