package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// jwtSite is a Caddy that knows callers by the tokens of an issuer, and has a connection for each of them.
type jwtSite struct {
	*caddyServer
	grants map[string]standin.Grant // by the name of the caller
}

// startJWTSite starts a Caddy that has a route of each kind for robots, and /page for whom the client page has logged in.
func startJWTSite(t *testing.T, issuer *jwtIssuer) *jwtSite {
	t.Helper()
	s := &jwtSite{newCaddy(t), make(map[string]standin.Grant)}
	server := newDropbox(t, s.caddyServer, standin.Options{})
	options := fmt.Sprintf("\tlog jwt {\n\t\tlevel DEBUG\n\t\toutput file %s\n\t}", s.logFile())
	robots := fmt.Sprintf(`
		allow jwt %s {
			audience https://tokens.example.com
			require  custom_claim.other stuff
		}`, issuer.server.URL)
	s.start(s.caddyfileWith(options, dropboxProvider(server)+"\n\t\taudit", fmt.Sprintf(`
	log
	token_endpoint /token dropbox-demo/{token_store.caller} {%[1]s
	}
	handle_path /dropbox/* {
		token_proxy dropbox-demo/{token_store.caller} {%[1]s
		}
	}
	token_endpoint /page dropbox-demo/{token_store.caller} {
		allow jwt %[2]s {
			audience page
		}
	}`, robots, issuer.server.URL)))
	for _, caller := range []string{"sid1", "sid2", "id1"} {
		s.grants[caller] = importGrant(t, s.caddyServer, server, caller)
	}
	return s
}

func (s *jwtSite) logFile() string { return filepath.Join(s.dir, "jwt.log") }

func (s *jwtSite) log(t *testing.T) []byte {
	t.Helper()
	all, err := os.ReadFile(s.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// answer is what came back for a call.
type answer struct {
	site    *jwtSite
	before  int // bytes that the log had
	status  int
	header  http.Header
	body    string
	problem string // its code; empty if the answer is none
}

// call sends a request with the token; "" means with none.
func (s *jwtSite) call(t *testing.T, path, token string) answer {
	t.Helper()
	a := answer{site: s, before: len(s.log(t))}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url(path), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.status, a.header, a.body = resp.StatusCode, resp.Header, strings.TrimSpace(string(body))
	var problem struct{ Type string }
	if resp.Header.Get("Content-Type") == "application/problem+json" && json.Unmarshal(body, &problem) == nil {
		_, a.problem, _ = strings.Cut(problem.Type, "#")
	}
	return a
}

// logs wants the call to have brought text into the log, where the audit comes after the answer.
func (a answer) logs(t *testing.T, text string) {
	t.Helper()
	eventually(t, 10*time.Second, "the log does not say "+text, func() bool {
		return bytes.Contains(a.site.log(t)[a.before:], []byte(text))
	})
}

// checkSilent wants no part of a token that a caller has sent to be in any log.
func (s *jwtSite) checkSilent(tokens ...string) {
	s.t.Helper()
	s.stop() // whatever it has to say is said
	logs := append(s.log(s.t), s.output()...)
	for _, token := range tokens {
		for n, part := range strings.Split(token, ".") {
			if part != "" && bytes.Contains(logs, []byte(part)) {
				s.t.Errorf("the log has part %d of a token that a caller sent", n+1)
			}
		}
	}
}
