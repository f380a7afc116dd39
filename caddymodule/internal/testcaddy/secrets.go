package testcaddy

import (
	"bytes"
	"fmt"
	"os"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/filetree"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret/secrettest"
)

// secrets are what tokens, codes and clients' secrets of tests begin with.
var secrets = []string{"standin-at-", "standin-rt-", "standin-code-", "client-secret", "demo-canary"}

// checkSecrets fails the test if there is a secret in what its Caddy has written: its log at level DEBUG, its database, and
// whatever else. So every test with a Caddy is one for leaks.
func (s *Server) checkSecrets() {
	for _, leak := range s.leaks() {
		s.T.Error(leak)
	}
}

// leaks tells which secrets are where in the files of the server.
func (s *Server) leaks() (found []string) {
	_, err := filetree.Read(os.DirFS(s.Dir), func(name string, content []byte) {
		for _, secret := range secrets {
			for _, form := range secrettest.Find(content, secret) {
				found = append(found, fmt.Sprintf("%s… is %s in %s: %s", secret, form, name, lineWith(content, secret)))
			}
		}
	})
	if err != nil {
		s.T.Error(err)
	}
	return found
}

// lineWith returns the line of a log that has the secret as it is.
func lineWith(content []byte, secret string) []byte {
	at := bytes.Index(content, []byte(secret))
	if at < 0 {
		return nil
	}
	from, to := bytes.LastIndexByte(content[:at], '\n')+1, len(content)
	if end := bytes.IndexByte(content[at:], '\n'); end >= 0 {
		to = at + end
	}
	return content[from:min(to, from+2000)]
}
