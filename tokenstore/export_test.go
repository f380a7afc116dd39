package tokenstore

import (
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// HotMap is the hot map alone, with made-up tokens.
type HotMap struct {
	published *published
	ids       []ID
}

// NewHotMap publishes n tokens.
func NewHotMap(n int) *HotMap {
	m := &HotMap{published: newPublished()}
	m.published.restrict(func(ID) bool { return true })
	for i := range n {
		id := ID{Provider: "demo", Name: fmt.Sprintf("user-%d", i)}
		m.ids = append(m.ids, id)
		m.published.set(&Token{ID: id, Value: secret.New("t")}, 1)
	}
	return m
}

// Get looks the i-th token up.
func (m *HotMap) Get(i int) *Token { return m.published.get(m.ids[i]) }

// Turn lets go of what was not used since the last one.
func (m *HotMap) Turn() { m.published.turn() }

// Drop takes the i-th token away.
func (m *HotMap) Drop(i int) { m.published.drop(m.ids[i]) }
