package tokenstore

// toldPauses is what the observer knows of pauses. Several providers can be in one, and outcomes that
// come at the same time change it: what is told last must be what holds.
type toldPauses struct {
	of      map[string]pause // by provider name
	waiting []PauseEvent     // not told yet
	telling bool             // somebody is telling them
}

// notePause tells the observer, and the schedule when a provider is back.
func (s *Store) notePause(changed bool) {
	if changed {
		s.tellPauses()
		s.schedule.wake()
	}
}

// tellPauses tells the observer of each provider that is in another pause than it knows of, in the
// order in which that happened. It holds no lock meanwhile.
func (s *Store) tellPauses() {
	a := &s.attached
	a.mu.Lock()
	defer a.mu.Unlock()
	s.comparePausesLocked()
	if a.told.telling {
		return
	}
	a.told.telling = true
	defer func() { a.told.telling = false }()
	for len(a.told.waiting) > 0 {
		next := a.told.waiting[0]
		a.told.waiting = a.told.waiting[1:]
		func() {
			a.mu.Unlock()
			defer a.mu.Lock() // though an observer may panic
			s.observer().ProviderPaused(next)
		}()
	}
}

func (s *Store) comparePausesLocked() {
	a, c := &s.attached, s.config.Load()
	note := func(provider string, p pause) {
		if a.told.of[provider] == p {
			return
		}
		if a.told.of[provider] = p; p.none() {
			delete(a.told.of, provider)
		}
		a.told.waiting = append(a.told.waiting, PauseEvent{Provider: provider, Host: p.host, Until: p.until, Reason: p.reason})
	}
	for name := range a.told.of {
		if c.providers[name] == nil {
			note(name, pause{})
		}
	}
	for name, p := range c.providers {
		now, _ := a.paceLocked(p, c).paused(s.now())
		note(name, now)
	}
}
