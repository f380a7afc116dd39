package tokenstore_test

import (
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// told is what an observer was told, and a server was asked, since listen was called.
type told struct {
	seen                                *recorder
	refreshed, paused, troubled, agreed int
	calls                               int
}

func (w *world) listen() *told {
	r := w.seen
	r.mu.Lock()
	defer r.mu.Unlock()
	return &told{r, len(r.refreshes), len(r.pauses), len(r.troubles), len(r.consented), w.server.Refreshes()}
}

// refreshes tells each attempt in its class and reason. The first one has the given trigger, and what follows upon an
// unknown outcome has that of a recovery.
func (t *told) refreshes(first tokenstore.Trigger) string {
	t.seen.mu.Lock()
	defer t.seen.mu.Unlock()
	var words []string
	trigger := first
	for _, e := range t.seen.refreshes[t.refreshed:] {
		switch {
		case e.Trigger != trigger:
			words = append(words, "trigger "+string(e.Trigger))
		case e.Err == nil && e.Rotated:
			words = append(words, "refreshed and rotated")
		case e.Err == nil:
			words = append(words, "refreshed")
		default:
			words = append(words, e.Class.String()+" "+e.Reason)
		}
		trigger = tokenstore.TriggerRecovery
	}
	return strings.Join(words, ", ")
}

func (t *told) pauses() []tokenstore.PauseEvent {
	t.seen.mu.Lock()
	defer t.seen.mu.Unlock()
	return t.seen.pauses[t.paused:]
}

func (t *told) troubles() []string {
	t.seen.mu.Lock()
	defer t.seen.mu.Unlock()
	return t.seen.troubles[t.troubled:]
}

func (t *told) consents() bool {
	t.seen.mu.Lock()
	defer t.seen.mu.Unlock()
	return len(t.seen.consented) > t.agreed
}
