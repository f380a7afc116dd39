package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// oidcRefreshes is how often the token is to be refreshed in the background, and
// oidcLifetime how long each of them lives, in seconds.
const (
	oidcRefreshes = 10
	oidcLifetime  = 2
)

// The server is a certified implementation that rotates refresh tokens and revokes the grant when
// one is used twice.
func TestOIDCProvider(t *testing.T) {
	needs(t, "node")
	c := newCaddy(t)
	server := startOIDCProvider(t, c)
	c.start(c.caddyfile(fmt.Sprintf(`
		provider oidc generic {
			client_id       e2e
			client_secret   {env.CLIENT_SECRET}
			scopes          openid offline_access
			authorize_url   %[1]s/auth
			authorize_param prompt consent
			token_url       %[1]s/token
			revoke_url      %[1]s/token/revocation
			issuer          %[1]s
			host api        %[1]s
		}`, server.issuer), `
	token_connect /connect/*
	handle_path /api/* {
		token_proxy oidc/person
	}`))

	// The buttons of our page, of the sign-in and of the consent.
	if status := newBrowser(t).connect(c.url("/connect/oidc/person"), nil, nil, nil); status != http.StatusOK {
		t.Fatalf("the consent ended with status %d", status)
	}
	eventually(t, 3*oidcRefreshes*oidcLifetime*time.Second, "too few background refreshes", func() bool {
		return connection(t, c, "oidc/person").Generation > oidcRefreshes
	})
	if body := fetch(t, c, "/api/me"); body != `{"sub":"person"}` {
		t.Errorf("user info: %s", body)
	}
	if conn := connection(t, c, "oidc/person"); conn.State != "ready" {
		t.Errorf("state of the connection after %d refreshes: %s", oidcRefreshes, conn.State)
	}
	for _, bad := range []string{"grant.error", "grant.revoked", "server_error"} {
		if n := server.count(bad); n != 0 {
			t.Errorf("%s: %d times", bad, n)
		}
	}

	// Had there been a revocation, the server would have told of it.
	c.admin(http.MethodDelete, "/token_store/connections/oidc/person", nil, http.StatusNoContent)
	eventually(t, 10*time.Second, "the server does not tell that the grant is gone", func() bool {
		return server.count("grant.revoked") > 0
	})
	if got, want := server.count("refresh_token.consumed"), server.count("refreshed"); got != want {
		t.Errorf("%d of %d refreshes rotated the refresh token", got, want)
	}
}

// fetch returns the body of a page of the site.
func fetch(t *testing.T, c *caddyServer, path string) string {
	t.Helper()
	resp, err := c.get(path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// oidcProvider is the server in oidc-provider, as a process of its own.
type oidcProvider struct {
	issuer string

	mu     sync.Mutex
	events map[string]int // how often each was told
}

func (p *oidcProvider) count(event string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events[event]
}

func startOIDCProvider(t *testing.T, c *caddyServer) *oidcProvider {
	t.Helper()
	cmd := exec.Command("node", "server.js")
	cmd.Dir = "oidc-provider"
	cmd.Env = append(os.Environ(), "CLIENT_ID=e2e", "CLIENT_SECRET="+clientSecret,
		"REDIRECT_URI="+c.url("/connect/callback/oidc"), "ACCESS_TOKEN_SECONDS="+strconv.Itoa(oidcLifetime))
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &oidcProvider{events: make(map[string]int)}
	listening, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		p.read(stdout, listening, t.Output())
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait() // it was killed
	})
	select {
	case p.issuer = <-listening:
	case <-ended:
		t.Fatal("the server ended; run npm ci in e2e/oidc-provider")
	case <-time.After(time.Minute):
		t.Fatal("the server does not start")
	}
	return p
}

// read counts what the server tells until it ends.
func (p *oidcProvider) read(stdout io.Reader, listening chan<- string, log io.Writer) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var told struct{ Event, Type, Issuer string }
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil || strings.HasSuffix(told.Event, "error") {
			fmt.Fprintf(log, "the server says: %s\n", lines.Bytes())
		}
		switch {
		case told.Event == "listening":
			listening <- told.Issuer
		case told.Event == "grant.success" && told.Type == "refresh_token":
			told.Event = "refreshed"
		}
		p.mu.Lock()
		p.events[told.Event]++
		p.mu.Unlock()
	}
}
