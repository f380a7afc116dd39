package standin

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Always is a [Fault.Times] that lasts until [Server.ClearFaults].
const Always = -1

// Stage says whether the real handler acts upon a request that a fault meets.
type Stage int

const (
	// Before means that the handler does not act; the request changes nothing. The answer
	// is made from the fault alone. The one exception is a fault with nothing but
	// a Delay: it slows the request down, and the handler then acts as ever.
	Before Stage = iota
	// After means that the handler acts, and its answer is then spoiled by the fault. So a
	// refresh token is rotated, for example, and the client never learns.
	After
)

// Fault is something that goes wrong with a request. The first group of fields
// says with which, the second what; the latter can be combined.
//
// What is not set stays as it is: with After as in the real answer, with Before
// as in an empty answer with status 503.
type Fault struct {
	// Path of the request; empty means any. A * at the end stands for any rest.
	Path string
	// Method of the request; empty means any.
	Method string
	// GrantType of a request to the token endpoint; empty means any request.
	GrantType string
	// Skip lets so many matching requests pass first: 2 hits the third.
	Skip int
	// Times is how many matching requests are hit: 0 means one, Always means all
	// until the faults are cleared.
	Times int
	// Stage says whether the real handler acts.
	Stage Stage

	// Delay passes before the answer begins, or until the client gives up.
	Delay time.Duration
	// Status of the answer.
	Status int
	// Header is set in the answer; a nil value removes the header.
	Header http.Header
	// ContentType of the answer.
	ContentType string
	// Redirect sends the client there, with Status or else 307.
	Redirect string
	// Body is the body of the answer, verbatim.
	Body string
	// NoBody empties the body.
	NoBody bool
	// Garbage spoils the body.
	Garbage Garbage
	// Rewrite changes the body in any other way. It must be safe for concurrent
	// use.
	Rewrite func(body []byte) []byte
	// Size pads the body with spaces to so many bytes.
	Size int64
	// Drip sends the body byte by byte, with so much time between two.
	Drip time.Duration
	// Endless goes on with spaces after the body, for ever.
	Endless bool
	// Cut closes the connection after CutAfter bytes of the answer; its status
	// line and headers count too.
	Cut      bool
	CutAfter int64
	// Reset makes Cut send a RST, where there is TCP, instead of an orderly end.
	Reset bool
}

// onlyDelays reports whether f does nothing but wait.
func (f *Fault) onlyDelays() bool {
	return f.Delay > 0 && f.Status == 0 && f.Header == nil && f.ContentType == "" && f.Redirect == "" &&
		f.Body == "" && !f.NoBody && f.Garbage == 0 && f.Rewrite == nil &&
		f.Size == 0 && f.Drip == 0 && !f.Endless && !f.Cut
}

func (f *Fault) matches(r *http.Request, grantType string) bool {
	path := f.Path == "" || f.Path == r.URL.Path
	if stem, open := strings.CutSuffix(f.Path, "*"); open {
		path = strings.HasPrefix(r.URL.Path, stem)
	}
	return path &&
		(f.Method == "" || f.Method == r.Method) &&
		(f.GrantType == "" || f.GrantType == grantType)
}

// script is what is to go wrong, in order.
type script struct {
	mu     sync.Mutex
	faults []*Fault
}

// Script adds faults to those that wait already. A request meets the first one
// that matches it and has no more requests to skip; each fault that it matches
// and that still skips counts it. A fault that has hit all its requests is gone.
func (s *Server) Script(faults ...Fault) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	for _, f := range faults {
		f.Header = f.Header.Clone()
		if f.Times == 0 {
			f.Times = 1
		}
		s.script.faults = append(s.script.faults, &f)
	}
}

// ClearFaults forgets all faults. Those that are being played go on.
func (s *Server) ClearFaults() {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.faults = nil
}

// PendingFaults returns how many faults wait for a request. A test that ends
// with one left has not tested what it meant to.
func (s *Server) PendingFaults() int {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	return len(s.script.faults)
}

// next returns the fault that r meets, or nil.
func (s *script) next(r *http.Request, grantType string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		switch {
		case !f.matches(r, grantType):
			continue
		case f.Skip > 0:
			f.Skip--
			continue
		}
		hit := *f
		if f.Times != Always {
			f.Times--
		}
		if f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return &hit
	}
	return nil
}
