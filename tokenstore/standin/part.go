package standin

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// part puts the journal and the faults before a handler.
func (s *Server) part(name string, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.gate.enter() {
			panic(http.ErrAbortHandler)
		}
		defer s.gate.leave()
		e := s.receive(name, w, r)
		s.journal.add(e)
		f := s.script.next(r, e.GrantType)
		noted := &noting{ResponseWriter: w, note: func(status int) {
			s.journal.update(func() { e.Status = status })
		}}
		acts := f == nil || f.Stage == After || f.onlyDelays()
		s.journal.update(func() { e.Acted, e.Faulted = acts, f != nil })
		if f == nil {
			handler.ServeHTTP(noted, r)
			return
		}
		s.play(f, noted, r, handler)
	})
}

// receive writes down what came.
func (s *Server) receive(part string, w http.ResponseWriter, r *http.Request) *Entry {
	e := &Entry{
		Time:   s.opts.Now(),
		Part:   part,
		Method: r.Method,
		Path:   r.URL.Path,
		Query:  r.URL.RawQuery,
		Host:   r.Host,
		Header: r.Header.Clone(),
	}
	if part != PartOAuth {
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		s.mu.Lock()
		if t, ok := s.access.get(token); ok && t.family != nil {
			e.Family = t.family.ID
		}
		s.mu.Unlock()
		return e
	}
	form := s.peekForm(w, r)
	e.GrantType = form.Get("grant_type")
	e.ClientID = form.Get("client_id")
	if id, _, basic, ok := basicCredentials(r); basic && ok {
		e.ClientID = id
	}
	s.mu.Lock()
	if t, ok := s.refresh.get(form.Get("refresh_token")); ok {
		e.Family, e.Generation = t.family.ID, t.generation
	}
	s.mu.Unlock()
	return e
}

// play lets f happen to r.
func (s *Server) play(f *Fault, w http.ResponseWriter, r *http.Request, handler http.Handler) {
	wait := func(d time.Duration) bool { return s.wait(r, d) }
	if f.onlyDelays() && f.Stage == Before {
		if !wait(f.Delay) {
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
		return
	}
	a := newAnswer(http.StatusServiceUnavailable)
	if f.Stage == After {
		a = newAnswer(0)
		handler.ServeHTTP(a, r)
		a.WriteHeader(http.StatusOK)
	}
	if !wait(f.Delay) {
		// Whoever asked is gone, or the server closes: let there be no answer.
		panic(http.ErrAbortHandler)
	}
	body := io.Reader(stoppable{a.spoil(f), s.closing})
	if f.Cut {
		a.cut(s.closing, w, f, body, wait)
		return
	}
	a.send(w, f, body, wait)
}

// wait returns true after d, and false as soon as the client is gone or the
// server closes.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.closing.Done():
	}
	return false
}

// stoppable reads from r until done: an endless body would keep Close waiting
// otherwise.
type stoppable struct {
	io.Reader
	done context.Context
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.done.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// noting notes the status of an answer.
type noting struct {
	http.ResponseWriter
	note  func(status int)
	noted bool
}

func (n *noting) WriteHeader(status int) {
	if !n.noted {
		n.noted = true
		n.note(status)
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *noting) Write(p []byte) (int, error) {
	if !n.noted {
		n.WriteHeader(http.StatusOK)
	}
	return n.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }
