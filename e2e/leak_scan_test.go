package e2e

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/filetree"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret/secrettest"
)

// scan looks for secrets in all that can be read.
type scan struct {
	t       *testing.T
	c       *caddyServer
	secrets map[string]string
	may     map[string][]string // where a secret is meant to be
	found   []string
	met     map[string]bool // of those in may
	looked  int             // at so many answers and files
}

// look notes which secrets are in content, in which form.
func (s *scan) look(where string, content []byte) {
	s.looked++
	for name, secret := range s.secrets {
		forms := secrettest.Find(content, secret)
		if slices.Contains(s.may[name], where) {
			s.met[name+" in "+where] = s.met[name+" in "+where] || len(forms) > 0
			continue
		}
		for _, form := range forms {
			s.note(fmt.Sprintf("%s %s in %s", name, form, where))
		}
	}
}

// checkWhereTheyMayBe fails the test unless each secret was where it is meant to be: the scan would have found it elsewhere, too.
func (s *scan) checkWhereTheyMayBe() {
	s.t.Helper()
	for name, places := range s.may {
		for _, where := range places {
			if !s.met[name+" in "+where] {
				s.t.Errorf("there is no %s in %s", name, where)
			}
		}
	}
}

func (s *scan) note(leak string) {
	if !slices.Contains(s.found, leak) {
		s.found = append(s.found, leak)
	}
}

// fetch sends a request to the site and looks at the whole answer. Headers are "Name: value".
func (s *scan) fetch(method, path string, body []byte, headers ...string) (status int, answer []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.c.url(path), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := new(http.Transport).RoundTrip(req) // which follows no redirect
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var whole bytes.Buffer
	_ = resp.Header.Write(&whole)
	raw, err := io.ReadAll(resp.Body)
	if err != nil && resp.StatusCode == http.StatusOK {
		s.t.Fatal(err)
	}
	path, _, _ = strings.Cut(path, "?")
	s.look(method+" "+path, append(whole.Bytes(), raw...))
	return resp.StatusCode, raw
}

// ask sends a request to the admin API and looks at the answer.
func (s *scan) ask(method, path string, body []byte) []byte {
	s.t.Helper()
	_, answer, err := s.c.tryAdmin(method, path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.look(method+" "+path, answer)
	return answer
}

// run runs the command and looks at all that it prints.
func (s *scan) run(args ...string) []byte {
	s.t.Helper()
	out, err := s.c.command(append([]string{"token-store"}, args...)...).CombinedOutput()
	s.look("caddy token-store "+strings.Join(args[:min(2, len(args))], " "), out)
	if len(out) == 0 {
		s.t.Errorf("caddy token-store %s prints nothing: %v", args[0], err)
	}
	return out
}

// checkSecrets looks for what is secret in every test, so that each of them is one for leaks.
func (c *caddyServer) checkSecrets() {
	if c.leaky {
		return
	}
	s := &scan{t: c.t, c: c, secrets: map[string]string{
		"client secret": clientSecret, "access token": "standin-at-", "refresh token": "standin-rt-", "code": "standin-code-",
	}}
	s.walk()
	for _, leak := range s.found {
		c.t.Error(leak)
	}
}

// walk looks at everything that Caddy wrote but its configuration, which was ours, and returns what is not empty.
func (s *scan) walk() (written map[string]bool) {
	s.t.Helper()
	written = make(map[string]bool)
	_, err := filetree.Read(os.DirFS(s.c.dir), func(file string, content []byte) {
		name := path.Base(file)
		if name == "Caddyfile" {
			return
		}
		written[name] = len(content) > 0
		s.look(name, content)
	})
	if err != nil {
		s.t.Error(err)
	}
	return written
}

// lookAtFiles looks at everything that Caddy wrote, and that it wrote what it should.
func (s *scan) lookAtFiles() {
	s.t.Helper()
	seen := s.walk()
	for _, name := range []string{"json.log", "console.log", "output", "autosave.json", "tokens.db"} {
		if !seen[name] {
			s.t.Errorf("there is nothing in %s; found %v", name, slices.Sorted(maps.Keys(seen)))
		}
	}
}
