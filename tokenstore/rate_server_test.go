package tokenstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// childServer, in the environment, makes this program an authorization server with so many grants.
const childServer = "TOKENSTORE_TEST_SERVER"

// remoteServer is a stand-in in a process of its own, so that its garbage collector does not look after the grants of a million
// people in the process that is measured.
type remoteServer struct {
	url    string
	grants []string // refresh tokens
}

// startServer returns a server that ends with the test.
func startServer(t testing.TB, grants int) *remoteServer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), self) // its input tells it when to end
	cmd.Env = append(os.Environ(), childServer+"="+strconv.Itoa(grants))
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	alive, err := cmd.StdinPipe() // it ends when this is closed
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = alive.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the authorization server: %v", err)
		}
	})
	s, lines := &remoteServer{}, bufio.NewScanner(said)
	for lines.Scan() && len(s.grants) < grants {
		if s.url == "" {
			s.url = lines.Text()
			continue
		}
		if s.grants = append(s.grants, lines.Text()); len(s.grants) == grants {
			return s
		}
	}
	t.Fatalf("the authorization server told %d of %d grants: %v", len(s.grants), grants, lines.Err())
	return nil
}

// serve is that program: it tells its address and its grants, and ends when its input does.
func serve(grants string) error {
	n, err := strconv.Atoi(grants)
	if err != nil {
		return err
	}
	server := standin.New(standin.Options{
		Rotation: standin.RotateAlways, AccessLifetime: 2 * time.Second,
		Clients: []standin.Client{{ID: clientID, Secret: clientSecret, RedirectURIs: []string{redirectURI}}},
	})
	if err := server.Start(); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(out, server.OAuthURL())
	for range n {
		g, err := server.IssueGrant(clientID)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, g.RefreshToken)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Close()
}
