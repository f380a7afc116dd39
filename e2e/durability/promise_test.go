package durability

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// promised is what a writer has told of its connections. It is of the grants of the authority.
type promised struct {
	tokens  map[tokenstore.ID]int  // the number of the last token that is kept
	gone    map[tokenstore.ID]bool // deleted
	backups map[string]*promised   // what is in each file
}

func newPromised() *promised {
	return &promised{
		tokens: make(map[tokenstore.ID]int), gone: make(map[tokenstore.ID]bool), backups: make(map[string]*promised),
	}
}

// add takes in a note. It returns an error if the writer failed at something.
func (p *promised) add(note string) error {
	words := append(strings.Fields(note), "", "")
	switch words[0] {
	case "failed":
		return errors.New(note)
	case "saved":
		p.backups[filepath.Base(words[1])] = &promised{tokens: maps.Clone(p.tokens), gone: maps.Clone(p.gone)}
	case "doing": // and until it is done, nobody knows
		if id, err := tokenstore.ParseID(words[2]); err == nil && words[1] == "delete" {
			delete(p.tokens, id)
		} else if err == nil {
			delete(p.gone, id)
		}
	case "kept", "gone":
		id, err := tokenstore.ParseID(words[1])
		if err != nil {
			return err
		}
		delete(p.tokens, id)
		p.gone[id] = words[0] == "gone"
		if words[0] == "kept" {
			_, p.tokens[id] = numbered(words[3])
		}
	}
	return nil
}

// refreshedOf is how many connections of each image are refreshed, to see their refresh tokens.
const refreshedOf = 2

// check opens what is in a directory with the real store and returns which of the promises it does not keep.
func (p *promised) check(ctx context.Context, dir, server string, random *rand.Rand) error {
	broken := []error{p.checkFile(ctx, filepath.Join(dir, database), server, random)}
	for name, backup := range p.backups {
		if err := backup.checkFile(ctx, filepath.Join(dir, name), server, random); err != nil {
			broken = append(broken, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(broken...)
}

func (p *promised) checkFile(ctx context.Context, path, server string, random *rand.Rand) error {
	s, err := openStore(ctx, path, server)
	if err != nil {
		return err
	}
	var broken []error
	refresh := refreshedOf
	for id, n := range p.tokens {
		broken = append(broken, wantToken(id, n, func() (*tokenstore.Token, error) { return s.Token(ctx, id, tokenstore.Want{}) }))
		if refresh > 0 && random.IntN(2) == 0 {
			refresh--
			broken = append(broken, wantToken(id, n+1, func() (*tokenstore.Token, error) { return s.Refresh(ctx, id) }))
		}
	}
	for id, gone := range p.gone {
		if _, err := s.Status(ctx, id); gone && !errors.Is(err, tokenstore.ErrNotFound) {
			broken = append(broken, fmt.Errorf("%s was deleted, and is there again: %v", id, err)) //nolint:errorlint // it may be nil
		}
	}
	// It is no museum: it takes a new one.
	err = s.Import(ctx, tokenstore.ID{Provider: "demo", Name: "new"}, tokenstore.Import{AccessToken: "a.new.1", RefreshToken: "r.new.1"})
	return errors.Join(append(broken, err, s.Close(ctx))...)
}

// wantToken returns an error unless get returns a token of id, of this number or a later one.
func wantToken(id tokenstore.ID, n int, get func() (*tokenstore.Token, error)) error {
	t, err := get()
	if err != nil {
		return fmt.Errorf("%s is lost: %w", id, err)
	}
	if name, got := numbered(t.Value.Reveal()); name != id.Name || got < n {
		return fmt.Errorf("%s has token %q, not number %d", id, t.Value.Reveal(), n)
	}
	return nil
}

// openStore opens a store as the writer does.
func openStore(ctx context.Context, path, server string) (*tokenstore.Store, error) {
	key, err := seal.ParseKey(strings.Repeat("0123456789abcdef", 4))
	if err != nil {
		return nil, err
	}
	provider, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
		Name: "demo", ClientID: "demo-client", ClientSecret: secret.New("demo-secret"),
		AuthorizeURL: server + "/oauth2/authorize", TokenURL: server + "/oauth2/token",
		MaxPerSecond: 1000,
	})
	if err != nil {
		return nil, err
	}
	file, err := bolt.Open(path, bolt.Options{LockTimeout: time.Second})
	if err != nil {
		return nil, err
	}
	s, err := tokenstore.Open(ctx, tokenstore.Options{Backend: file, Key: key})
	if err != nil {
		return nil, err
	}
	s.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{provider}})
	return s, nil
}
