package tokenstore

import (
	"maps"
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

// uses reports whether tokens come from a host.
func (c *configuration) uses(host string) bool {
	for _, p := range c.providers {
		if p.tokenHost == host {
			return true
		}
	}
	return false
}

// attachments is the stack of configurations. A reload attaches the new one
// before the old one detaches, and a failed reload detaches the new one again.
type attachments struct {
	mu    sync.Mutex
	stack []*configuration    // guarded by mu
	paces map[string]*pace    // guarded by mu; by provider name
	hosts map[string]*breaker // guarded by mu; by token host
	told  toldPauses          // guarded by mu
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
	s.adoptLocked()
	s.attached.mu.Unlock()
	s.tellPauses()
	for _, err := range s.keys.Problems() {
		// Nobody listened when they were read.
		c.observer.Trouble("reading the caller keys", err)
	}
	if err := s.records.sealer.Damage(); err != nil {
		c.observer.Trouble("reading the keyset", err)
	}
	return func() { s.detach(c) }
}

func (s *Store) detach(c *configuration) {
	s.attached.mu.Lock()
	if i := slices.Index(s.attached.stack, c); i >= 0 {
		s.attached.stack = slices.Delete(s.attached.stack, i, i+1)
		s.adoptLocked()
	}
	s.attached.mu.Unlock()
	s.tellPauses()
}

// adoptLocked puts the youngest attachment into force.
func (s *Store) adoptLocked() {
	c := &configuration{observer: NopObserver{}}
	if n := len(s.attached.stack); n > 0 {
		c = s.attached.stack[n-1]
	}
	for name, old := range s.attached.paces {
		p := c.providers[name]
		if p != nil && p.fingerprint == old.provider.fingerprint {
			continue
		}
		// Whatever a server held against the old settings, it may like the new ones. But it counts calls as before.
		delete(s.attached.paces, name)
		if p != nil && p.tokenHost == old.provider.tokenHost {
			s.attached.paceLocked(p, c).inherit(old)
		}
	}
	maps.DeleteFunc(s.attached.hosts, func(host string, _ *breaker) bool {
		// One that is down is not brought up by other settings; those that name another host begin anew.
		return !c.uses(host)
	})
	s.config.Store(c)
	s.published.restrict(func(id ID) bool { return !s.closed.Load() && c.providers[id.Provider] != nil })
	s.schedule.wake()
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
	return s.attached.paceLocked(p, s.config.Load())
}

// paceLocked keeps nothing of a provider that is not in force. It may not be for a flight that began before a reload.
func (a *attachments) paceLocked(p *Provider, now *configuration) *pace {
	if pc := a.paces[p.name]; pc != nil && pc.provider.fingerprint == p.fingerprint {
		return pc
	}
	host := a.hosts[p.tokenHost]
	if host == nil {
		host = &breaker{host: p.tokenHost}
	}
	pc := newPace(p, host)
	if inForce := now.providers[p.name]; inForce != nil && inForce.fingerprint == p.fingerprint {
		a.paces[p.name], a.hosts[p.tokenHost] = pc, host
	}
	return pc
}
