package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropbox/dropbox-sdk-go-unofficial/v6/dropbox"
	"github.com/dropbox/dropbox-sdk-go-unofficial/v6/dropbox/files"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// uploads is a browser, and all that its pages need, for several tests.
type uploads struct {
	*chromium
	ports uploadPorts
	dist  string
}

func newUploads(t *testing.T, ports uploadPorts) *uploads {
	t.Helper()
	needs(t, "chromium")
	return &uploads{dist: buildUploadPages(t, ports), ports: ports, chromium: startChromium(t)}
}

// uploadSite is the example as one test runs it: Caddy with the Caddyfile, and a stand-in for Dropbox.
type uploadSite struct {
	*caddyServer
	uploads *uploads
	server  *standin.Server
}

// start runs the example in one of its variants. Each edit of the Caddyfile is what to replace, and by what.
func (u *uploads) start(t *testing.T, mode string, o standin.Options, edits ...string) *uploadSite {
	t.Helper()
	oauth, api, content := u.ports.dropboxURLs()
	o.OAuthAddr, o.APIAddr, o.ContentAddr = address(oauth), address(api), address(content)
	o.Clients = []standin.Client{{
		ID: "demo", Secret: clientSecret, Name: "Contact form",
		RedirectURIs: []string{u.ports.apiURL() + "/connect/callback/dropbox-demo"},
	}}
	s := &uploadSite{caddyServer: newCaddy(t), uploads: u, server: startStandin(t, o)}
	s.env = append(s.env,
		fmt.Sprintf("UPLOAD_PAGE_PORT=%d", u.ports.page), fmt.Sprintf("UPLOAD_PORT=%d", u.ports.api),
		"UPLOAD_CLIENT_ID=demo", "UPLOAD_CLIENT_SECRET={env.CLIENT_SECRET}",
		"UPLOAD_AUTHORIZE_URL="+oauth+"/oauth2/authorize", "UPLOAD_TOKEN_URL="+oauth+"/oauth2/token",
		"UPLOAD_REVOKE_URL="+api+"/2/auth/token/revoke",
		"UPLOAD_API_URL="+api, "UPLOAD_CONTENT_URL="+content,
		"UPLOAD_DIST="+filepath.Join(u.dist, mode), "UPLOAD_MODE="+mode,
	)
	if mode == returnMode {
		s.env = append(s.env, "UPLOAD_CONNECT_SRC="+api+" "+content)
	}
	s.start(uploadCaddyfile(t, edits...))
	return s
}

func address(url string) string { return strings.TrimPrefix(url, "http://") }

// uploadCaddyfile is the example's own, with the admin API where the tests look for it.
func uploadCaddyfile(t *testing.T, edits ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(uploadDir, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	caddyfile := string(text)
	edits = append(edits, "\tadmin localhost:{$UPLOAD_ADMIN_PORT:2019}\n", "")
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(caddyfile, edits[i]) {
			t.Fatalf("the Caddyfile has no %q", edits[i])
		}
		caddyfile = strings.ReplaceAll(caddyfile, edits[i], edits[i+1])
	}
	return caddyfile
}

// connect makes the connection that the page needs, without a person.
func (s *uploadSite) connect() {
	s.t.Helper()
	importGrant(s.t, s.caddyServer, s.server, "auth")
}

// stored returns the content of the only file that is in the stand-in, and its path.
func (s *uploadSite) stored() (path, content string) {
	s.t.Helper()
	grant, err := s.server.IssueGrant("demo")
	if err != nil {
		s.t.Fatal(err)
	}
	sdk := files.NewContext(dropbox.Config{
		Token: grant.AccessToken,
		URLGenerator: func(host, namespace, route string) string {
			base := s.server.APIURL()
			if host == "content" {
				base = s.server.ContentURL()
			}
			return base + "/2/" + namespace + "/" + route
		},
	})
	list, err := sdk.ListFolder(files.NewListFolderArg("/submissions"))
	if err != nil {
		s.t.Fatal(err)
	}
	if len(list.Entries) != 1 {
		s.t.Fatalf("%d files have arrived", len(list.Entries))
	}
	path = list.Entries[0].(*files.FileMetadata).PathDisplay
	return path, string(download(s.t, sdk, path))
}

// bearers returns the access tokens of the requests to a path that the stand-in answered with
// status 200, in order.
func (s *uploadSite) bearers(path string) (tokens []string) {
	for _, e := range s.server.Journal() {
		if e.Path == path && e.Method == http.MethodPost && e.Status == http.StatusOK {
			tokens = append(tokens, strings.TrimPrefix(e.Header.Get("Authorization"), "Bearer "))
		}
	}
	return tokens
}

// valid asks the stand-in whether it takes an access token.
func (s *uploadSite) valid(token string) bool {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.server.APIURL()+"/2/users/get_current_account", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := s.server.Client().Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode != http.StatusUnauthorized
}
