package standin

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The parts of a stand-in, as [Entry.Part] names them.
const (
	PartOAuth   = "oauth"
	PartAPI     = "api"
	PartContent = "content"
)

// Entry is a request that was received.
type Entry struct {
	// Seq counts all requests from 1.
	Seq    int
	Time   time.Time
	Part   string // PartOAuth, PartAPI or PartContent
	Method string
	Path   string
	Query  string // as it was written
	Host   string
	// Header holds all headers of the request, with tokens and all.
	Header http.Header

	// GrantType and ClientID are those of a request to the token endpoint.
	GrantType string
	ClientID  string
	// Family and Generation are those of the refresh token that came with the
	// request, or of the access token as bearer (Family only); 0 if it had none or
	// an unknown one.
	Family     int
	Generation int

	// Faulted is set if a fault was played.
	Faulted bool
	// Acted is set if the real handler acted upon the request.
	Acted bool
	// Status is that of the answer; 0 while there is none, or if it was cut.
	Status int
}

// String tells e without its headers and query, which hold tokens.
func (e Entry) String() string {
	text := fmt.Sprintf("#%d %s %s %s", e.Seq, e.Part, e.Method, e.Path)
	if e.GrantType != "" {
		text += fmt.Sprintf(" %s family %d generation %d", e.GrantType, e.Family, e.Generation)
	}
	return fmt.Sprintf("%s: %d (acted %t, faulted %t)", text, e.Status, e.Acted, e.Faulted)
}

// journal holds the last requests.
type journal struct {
	size int

	mu        sync.Mutex
	entries   []*Entry
	total     int
	refreshes int
	paths     map[string]int
}

// maxPaths bounds the paths that are counted singly.
const maxPaths = 1 << 12

func newJournal(size int) *journal { return &journal{size: size, paths: make(map[string]int)} }

// add numbers e and takes it in.
func (j *journal) add(e *Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total++
	e.Seq = j.total
	if e.GrantType == "refresh_token" {
		j.refreshes++
	}
	if _, known := j.paths[e.Path]; known || len(j.paths) < maxPaths {
		j.paths[e.Path]++
	}
	if len(j.entries) == j.size {
		j.entries = slices.Delete(j.entries, 0, 1)
	}
	j.entries = append(j.entries, e)
}

// update changes an entry that was taken in.
func (j *journal) update(change func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change()
}

// Journal returns the last requests in the order in which they came, at most
// [Options.JournalSize] of them.
func (s *Server) Journal() []Entry {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	entries := make([]Entry, len(s.journal.entries))
	for i, e := range s.journal.entries {
		entries[i] = *e
		entries[i].Header = e.Header.Clone()
	}
	return entries
}

// Requests returns how many requests to path came to any part, or how many in
// all if path is empty. Those that the journal has forgotten count.
func (s *Server) Requests(path string) int {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if path == "" {
		return s.journal.total
	}
	return s.journal.paths[path]
}

// Refreshes returns how many requests with grant_type=refresh_token came,
// whatever became of them.
func (s *Server) Refreshes() int {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return s.journal.refreshes
}

// ResetJournal forgets all requests and counts from 0 again.
func (s *Server) ResetJournal() {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	s.journal.entries, s.journal.total, s.journal.refreshes = nil, 0, 0
	clear(s.journal.paths)
}
