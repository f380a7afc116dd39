package custody_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// childDamaged is the environment variable that makes the test binary a process which uses damaged databases. A
// page that leads to itself, or is not there, may end it, and must not.
const childDamaged = "TOKEN_CUSTODY_TEST_DAMAGED"

// openAttached opens an engine that has the provider acme.
func openAttached(path string, key seal.Key) (*tokenstore.Store, *troubles, error) {
	s, err := openEngine(path, key)
	if err != nil {
		return nil, nil, err
	}
	p, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
		Name: "acme", ClientID: "c", AuthorizeURL: "https://127.0.0.1:1/a", TokenURL: "https://127.0.0.1:1/t",
	})
	if err != nil {
		return nil, nil, err
	}
	seen := new(troubles)
	s.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{p}, Observer: seen})
	return s, seen, nil
}

// troubles counts what an observer is told to be wrong.
type troubles struct {
	tokenstore.NopObserver
	mu sync.Mutex
	n  int // guarded by mu
}

// Trouble implements [tokenstore.Observer].
func (t *troubles) Trouble(string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

// use is what came of a damaged database.
type use struct {
	File                            string
	Opened                          bool
	Served, Older, Damaged, Missing int // connections
	Troubles                        int
	Recovered                       int  // connections
	Nothing                         bool // recover wrote no file
	Told                            bool // recover said that something is missing
	Untold                          bool // recover saved less, or older tokens, and did not say so
	Wrong                           []string
}

// childUse uses each file of a directory, and prints a line before and after.
func childUse(dir string, key seal.Key) {
	var h history
	text, err := os.ReadFile(filepath.Join(dir, "history.json"))
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	files, globErr := filepath.Glob(filepath.Join(dir, "*.db"))
	if err := errors.Join(err, globErr); err != nil {
		panic(err)
	}
	for _, file := range files {
		u := use{File: filepath.Base(file)}
		watchdog := time.AfterFunc(time.Minute, func() { panic("waited for ever: " + file) })
		fmt.Println(u.File)
		whole, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		u.serve(file, key, h)
		// A store writes, and may write over what could have been saved.
		if err := os.WriteFile(file, whole, 0o600); err != nil {
			panic(err)
		}
		u.recover(file, key, h)
		line, err := json.Marshal(u)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
		watchdog.Stop()
	}
	os.Exit(0)
}

func (u *use) wrong(format string, args ...any) {
	u.Wrong = append(u.Wrong, fmt.Sprintf(format, args...))
}

func tokenOf(s *tokenstore.Store, name string) (string, error) {
	connection, err := tokenstore.ParseID(name)
	if err != nil {
		return "", err
	}
	tok, err := s.Token(context.Background(), connection, tokenstore.Want{})
	if err != nil {
		return "", err
	}
	return tok.Value.Reveal(), nil
}

// serve asks a store for every token.
func (u *use) serve(file string, key seal.Key, h history) {
	s, seen, err := openAttached(file, key)
	if err != nil {
		return
	}
	u.Opened = true
	for name := range h.Past {
		got, err := tokenOf(s, name)
		switch {
		case errors.Is(err, tokenstore.ErrNotFound):
			if h.Now[name] != "" {
				u.Missing++
			}
		case err != nil:
			u.Damaged++
		case got == h.Now[name]:
			u.Served++
		case h.Past[name][got]:
			u.Older++
		default:
			u.wrong("%s has the token %q", name, got)
		}
	}
	// That it cannot be closed is one more way to tell.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if s.Close(ctx) != nil {
		u.Troubles++
	}
	u.Troubles += seen.n
}

// recover writes what is sound into another file, and compares that.
func (u *use) recover(file string, key seal.Key, h history) {
	into := file + ".recovered"
	done, err := custody.Recover{Database: file, Into: into, Key: key, Now: now}.Run(context.Background())
	if err != nil {
		u.Nothing = true
		if _, err := os.Stat(into); err == nil {
			u.wrong("recover failed, and left a file")
		}
		return
	}
	u.Told = !done.Complete()
	s, _, err := openAttached(into, key)
	if err != nil {
		u.wrong("what was recovered does not open: %v", err)
		return
	}
	for name := range h.Past {
		got, err := tokenOf(s, name)
		switch want := h.Now[name]; {
		case err == nil && got == want:
			u.Recovered++
		case err == nil && h.Past[name][got]:
			u.Untold = u.Untold || !done.Older
		case err == nil:
			u.wrong("recovered %s has the token %q", name, got)
		case !errors.Is(err, tokenstore.ErrNotFound):
			u.wrong("recovered %s: %v", name, err)
		case want != "" && done.Complete():
			u.Untold = true
		}
	}
	if err := errors.Join(s.Close(context.Background()), os.Remove(into)); err != nil {
		u.wrong("%v", err)
	}
}
