// Command writer is a small program with a store, for tests that kill it, cut its power or let
// its disk fail. It reads what to do from its standard input, a line a step, and
// writes to the file -notes, a write a line, "doing" and the step, and then what came of it:
//
//	import ID ACCESS REFRESH   kept ID GENERATION ACCESS
//	refresh ID                 kept ID GENERATION ACCESS
//	token ID                   token ID ACCESS
//	status ID                  status ID STATE GENERATION REASON
//	delete ID                  gone ID
//	rotate                     rotated
//	backup FILE                saved FILE
//	health                     health UNSAVED
//
// or else "failed", the step and the error. It begins with "open" when the store is, and ends with "closed".
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// patience is how long a step may take.
const patience = 10 * time.Second

func main() {
	database := flag.String("db", "", "file of the store")
	notes := flag.String("notes", "", "file for what was done")
	providers := flag.String("providers", "", "NAME=URL of authorization servers, with commas between them")
	flag.Parse()
	if err := run(*database, *notes, *providers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(database, notes, providers string) error {
	out, err := os.OpenFile(notes, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // each write has been looked at
	s, err := open(database, providers)
	if err != nil {
		return err
	}
	if err := tell(out, "open"); err != nil {
		return err
	}
	steps := bufio.NewScanner(os.Stdin)
	for steps.Scan() {
		if err := tell(out, "doing "+steps.Text()); err != nil {
			return err
		}
		note, err := step(s, strings.Fields(steps.Text()))
		if err != nil {
			note = fmt.Sprintf("failed %s: %v", steps.Text(), err)
		}
		if err := tell(out, note); err != nil {
			return err
		}
	}
	if err := errors.Join(steps.Err(), s.Close(context.Background())); err != nil {
		return err
	}
	return tell(out, "closed")
}

func tell(out io.Writer, note string) error {
	_, err := io.WriteString(out, strings.ReplaceAll(note, "\n", " ")+"\n")
	return err
}

// open opens the store, with a key that is no secret.
func open(database, providers string) (*tokenstore.Store, error) {
	key, err := seal.ParseKey(strings.Repeat("0123456789abcdef", 4))
	if err != nil {
		return nil, err
	}
	var a tokenstore.Attachment
	for server := range strings.SplitSeq(providers, ",") {
		name, url, _ := strings.Cut(server, "=")
		p, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
			Name: name, ClientID: "demo-client", ClientSecret: secret.New("demo-secret"),
			AuthorizeURL: url + "/oauth2/authorize", TokenURL: url + "/oauth2/token", RevokeURL: url + "/oauth2/revoke",
			MaxPerSecond: 1000,
		})
		if err != nil {
			return nil, err
		}
		a.Providers = append(a.Providers, p)
	}
	file, err := bolt.Open(database, bolt.Options{})
	if err != nil {
		return nil, err
	}
	s, err := tokenstore.Open(context.Background(), tokenstore.Options{Backend: file, Key: key})
	if err != nil {
		return nil, err
	}
	s.Attach(a)
	return s, nil
}

// step does one step and returns its note.
func step(s *tokenstore.Store, words []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	words = append(words, "", "", "", "") // so that what is missing is empty
	switch words[0] {
	case "rotate":
		return "rotated", rotate(ctx, s)
	case "backup":
		return "saved " + words[1], backup(ctx, s, words[1])
	case "health":
		return fmt.Sprintf("health %d", s.Health().Unsaved), nil
	}
	id, err := tokenstore.ParseID(words[1])
	if err != nil {
		return "", err
	}
	switch words[0] {
	case "import":
		err := s.Import(ctx, id, tokenstore.Import{
			AccessToken: words[2], RefreshToken: words[3], ExpiresAt: time.Now().Add(time.Hour),
		})
		return kept(ctx, s, id, words[2], err)
	case "refresh":
		t, err := s.Refresh(ctx, id)
		if err != nil {
			return "", err
		}
		return kept(ctx, s, id, t.Value.Reveal(), nil)
	case "token":
		t, err := s.Token(ctx, id, tokenstore.Want{})
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("token %s %s", id, t.Value.Reveal()), nil
	case "status":
		st, err := s.Status(ctx, id)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("status %s %s %d %s", id, state(st), st.Generation, st.Reason), nil
	case "delete":
		return "gone " + id.String(), s.Delete(ctx, id)
	}
	return "", errors.New("no such step")
}

func kept(ctx context.Context, s *tokenstore.Store, id tokenstore.ID, access string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	st, err := s.Status(ctx, id)
	if err == nil && st.Unsaved {
		err = errors.New("served, and not saved")
	}
	return fmt.Sprintf("kept %s %d %s", id, st.Generation, access), err
}

func state(st tokenstore.Status) string {
	if st.Damaged {
		return "damaged"
	}
	return string(st.State)
}

// rotate waits until every record is sealed under the new key. Dropping the old one
// takes longer, and the next process goes on with it.
func rotate(ctx context.Context, s *tokenstore.Store) error {
	if err := s.RotateKey(ctx); err != nil && !errors.Is(err, tokenstore.ErrRotationRunning) {
		return err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for r := s.Rotation(); r.Running && r.Checked == 0; r = s.Rotation() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), r.Trouble)
		}
	}
	return nil
}

func backup(ctx context.Context, s *tokenstore.Store, path string) error {
	snapshot, err := s.Backup(ctx)
	if err != nil {
		return err
	}
	_, err = custody.Save(ctx, path, snapshot, nil)
	return errors.Join(err, snapshot.Close())
}
