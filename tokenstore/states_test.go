package tokenstore_test

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// transition is a row of the table of states, or what was seen of one.
type transition struct{ from, event, to string }

const noConnection = "(none)"

// stateTable is the table in the package documentation, and how often each of its rows was seen. It is safe for concurrent use.
type stateTable struct {
	mu   sync.Mutex
	rows map[transition]int
}

// readStateTable reads the package documentation.
func readStateTable(t *testing.T) *stateTable {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	table := &stateTable{rows: map[transition]int{}}
	columns := regexp.MustCompile(`  +`)
	inside := false
	for line := range strings.Lines(f.Doc.Text()) {
		cells := columns.Split(strings.TrimSpace(line), -1)
		switch {
		case len(cells) == 3 && cells[0] == "from":
			inside = true
		case inside && len(cells) == 3:
			for from := range strings.SplitSeq(cells[0], ", ") {
				table.rows[transition{from, cells[1], cells[2]}] = 0
			}
		default:
			inside = false
		}
	}
	if len(table.rows) < 20 {
		t.Fatalf("the table has %d rows", len(table.rows))
	}
	return table
}

// saw reports whether the transition is in the table, and counts it.
func (s *stateTable) saw(m transition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.rows[m]
	if known {
		s.rows[m]++
	}
	return known
}

// unseen returns the rows that nothing has walked through.
func (s *stateTable) unseen() (rows []transition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for row, n := range s.rows {
		if n == 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// tracker is an observer that looks at the state of connections after each event, and compares with the table.
type tracker struct {
	tokenstore.NopObserver
	w     *world
	table *stateTable

	mu   sync.Mutex
	last map[tokenstore.ID]situation
}

// situation is the state of a connection, with its reason, and its generation.
type situation struct {
	state      string
	generation uint64
}

// track makes a world compare what happens to its connections with the table.
func (w *world) track(table *stateTable) *tracker {
	k := &tracker{w: w, table: table, last: map[tokenstore.ID]situation{}}
	w.seen.next = k
	return k
}

// look returns the present situation of a connection.
func (k *tracker) look(id tokenstore.ID) situation {
	s, err := k.w.Status(k.w.t.Context(), id)
	switch {
	case errors.Is(err, tokenstore.ErrNotFound):
		return situation{state: noConnection}
	case err != nil:
		k.w.t.Errorf("%s: Status returned %v", id, err)
	case s.State == tokenstore.StateNeedsConsent:
		return situation{string(s.State) + ": " + string(s.Reason), s.Generation}
	}
	return situation{string(s.State), s.Generation}
}

func (k *tracker) happened(id tokenstore.ID, event string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, known := k.last[id]
	if !known {
		before.state = noConnection
	}
	after := k.look(id)
	k.last[id] = after
	to := after.state
	switch {
	case after.state == noConnection || after.generation == before.generation:
	case after.generation == before.generation+1:
		to += ", next generation"
	default:
		to += fmt.Sprintf(", generation %d after %d", after.generation, before.generation)
	}
	from, _, _ := strings.Cut(before.state, ":")
	if m := (transition{from, event, to}); !k.table.saw(m) {
		k.w.t.Errorf("%s: this is not in the table: from %s, %s, to %s", id, m.from, m.event, m.to)
	}
}

func (k *tracker) Consented(id tokenstore.ID) { k.happened(id, "consent or import") }
func (k *tracker) Deleted(id tokenstore.ID)   { k.happened(id, "deletion") }

func (k *tracker) ConsentNeeded(e tokenstore.ConsentEvent) {
	k.happened(e.ID, map[tokenstore.Reason]string{
		tokenstore.ReasonRevoked:             "grant is gone",
		tokenstore.ReasonInterruptedRotation: "grant is gone, after a lost answer",
		tokenstore.ReasonClientChanged:       "grant is gone, from another client",
		tokenstore.ReasonDatabaseRestored:    "grant is gone, from a restored copy",
		tokenstore.ReasonNoRefreshToken:      "token is over, and no refresh token",
	}[e.Reason])
}

func (k *tracker) Refreshed(e tokenstore.RefreshEvent) {
	failure, _ := errors.AsType[*oauth.Error](e.Err)
	var event string
	switch {
	case e.Err == nil:
		event = "refresh succeeds"
	case failure == nil:
		event = "intent cannot be saved"
	case failure.Delivered != nil && !failure.Delivered.RefreshToken.IsZero():
		event = "broken answer brings a refresh token"
	case e.Class == oauth.Unknown && e.Trigger == tokenstore.TriggerRecovery:
		event = "answer is lost again"
	case e.Class == oauth.Unknown:
		event = "answer is lost"
	case e.Class == oauth.Config:
		event = "server refuses the client"
	case e.Class == oauth.Dead:
		if s := k.look(e.ID); !strings.HasPrefix(s.state, "needs_consent") {
			k.w.t.Errorf("%s: the grant is gone, and the connection is %s", e.ID, s.state)
		}
		return // ConsentNeeded has told it
	default:
		event = "failure that passes"
	}
	k.happened(e.ID, event)
}

// forget makes the tracker look anew: a crash takes back what was not in the file.
func (k *tracker) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.last {
		k.last[id] = k.look(id)
	}
}
