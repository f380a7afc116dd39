package tokenstore

import (
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func TestADoubtedTokenServesOnlyWhereItsRecordCannotBeRead(t *testing.T) {
	id, flying := ID{Provider: "demo", Name: "auth"}, ID{Provider: "demo", Name: "flying"}
	for name, tc := range map[string]struct {
		then       func(*published)
		lastResort string
	}{
		"nothing happens":                        {func(*published) {}, "old"},
		"its record was read":                    {func(p *published) { p.set(&Token{ID: id, Value: secret.New("new")}, 2) }, "new"},
		"the connection was deleted":             {func(p *published) { p.drop(id) }, ""},
		"its provider is not configured":         {func(p *published) { p.restrict(func(ID) bool { return false }) }, ""},
		"it is doubted again":                    {func(p *published) { p.doubt(func(ID) bool { return false }) }, "old"},
		"its storage was well for all of a turn": {func(p *published) { p.turn() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPublished()
			p.restrict(func(ID) bool { return true })
			p.set(&Token{ID: id, Value: secret.New("old")}, 1)
			p.set(&Token{ID: flying, Value: secret.New("sure")}, 1)
			p.doubt(func(id ID) bool { return id == flying })
			if got := p.get(id); got != nil {
				t.Error("it is served as if nothing were")
			}
			if p.get(flying) == nil {
				t.Error("the token of a flight was doubted")
			}
			tc.then(p)
			got := ""
			if token := p.lastResort(id); token != nil {
				got = token.Value.Reveal()
			}
			if got != tc.lastResort {
				t.Errorf("the last resort is %q, want %q", got, tc.lastResort)
			}
		})
	}
}
