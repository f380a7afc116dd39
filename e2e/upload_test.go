package e2e

import (
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// The example dropbox-upload, as a person with a browser meets it.
func TestDropboxUpload(t *testing.T) {
	u := newUploads(t, newUploadPorts(t))
	for _, tt := range []struct {
		name string
		test func(t *testing.T, mode string)
	}{
		{"a person connects Dropbox first, and then the form works", u.testConsent},
		{"what is sent arrives, is listed, and can be downloaded", u.testSending},
		{"only the page that asks for a token has one", u.testSecrets},
		{"a token may expire while the page is open", u.testExpiry},
		{"a page of another origin shows why it cannot do anything", u.testForeignOrigin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, mode := range []string{forwardMode, returnMode} {
				t.Run(mode, func(t *testing.T) { tt.test(t, mode) })
			}
		})
	}
	t.Run("what a page stores would be found", u.testStorage)
	t.Run("Dropbox gets no preflight of a page without a token", u.testPreflights)
	t.Run("a page needs no preflight for its token", u.testNoPreflight)
	t.Run("any page gets a token where every origin is allowed", u.testEveryOrigin)
}

func (u *uploads) testConsent(t *testing.T, mode string) {
	s := u.start(t, mode, standin.Options{})
	form := s.openForm(t)
	connecting := s.consentFrom(form)
	for _, p := range []*tab{form, connecting} {
		if refused := p.log.refusals(); len(refused) > 0 {
			t.Errorf("%s: %q", p.address(), refused)
		}
	}
	eventually(t, patience, "the page does not see that Dropbox is connected", func() bool { return form.text("alert") == "" })
	form.sendForm(ada)
	form.awaitFiles(1)
}

func (u *uploads) testSending(t *testing.T, mode string) {
	s := u.start(t, mode, standin.Options{})
	s.connect()
	form := s.openForm(t)
	form.sendForm(ada)
	where, arrived := s.stored()
	if arrived != adaCSV {
		t.Errorf("%q has arrived", arrived)
	}
	form.awaitFiles(1)
	name, content := form.downloaded()
	if name != path.Base(where) || content != adaCSV {
		t.Errorf("downloaded %s, not %s: %q", name, where, content)
	}
}

// uploadLifetime is how long tokens live in a test that waits until one has expired.
const uploadLifetime = 4 * time.Second

func (u *uploads) testExpiry(t *testing.T, mode string) {
	s := u.start(t, mode, standin.Options{AccessLifetime: uploadLifetime})
	s.connect()
	form := s.openForm(t)
	form.sendForm(ada)
	form.awaitFiles(1)
	used := s.bearers("/2/files/upload")
	if len(used) != 1 {
		t.Fatalf("%d uploads", len(used))
	}
	eventually(t, 5*uploadLifetime, "the token does not expire", func() bool { return !s.valid(used[0]) })
	form.sendForm(ada)
	form.awaitFiles(2)
	if used = s.bearers("/2/files/upload"); len(used) != 2 || used[0] == used[1] {
		t.Errorf("%d uploads, and not each with a token of its own", len(used))
	}
}

func (u *uploads) testForeignOrigin(t *testing.T, mode string) {
	s := u.start(t, mode, standin.Options{})
	s.connect()
	origin := u.serveElsewhere(t, mode)
	form := u.newTab(t)
	form.visit(origin)
	explains := func(said string) bool {
		return strings.Contains(said, origin) && strings.Contains(said, "allow origin")
	}
	form.awaitText("[role=alert]", "the page does not say what is wrong with the list", explains)
	form.fillInForm(ada)
	form.press("button", "Send")
	form.awaitText("form [role=alert]", "the page does not say what is wrong with the form", explains)
	if n := s.server.Requests(""); n != 0 {
		t.Errorf("%d requests reached Dropbox", n)
	}
}

func (u *uploads) testEveryOrigin(t *testing.T) {
	s := u.start(t, returnMode, standin.Options{}, "allow origin http://localhost:{$UPLOAD_PAGE_PORT:5173}", "allow origin *", "allow origin http://localhost:5174", "")
	s.connect()
	form := u.newTab(t)
	form.visit(u.serveElsewhere(t, returnMode))
	form.sendForm(ada)
	if _, arrived := s.stored(); arrived != adaCSV {
		t.Errorf("%q has arrived", arrived)
	}
}

// serveElsewhere serves a variant of the page from another origin, which it returns.
func (u *uploads) serveElsewhere(t *testing.T, mode string) string {
	t.Helper()
	elsewhere := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(u.dist, mode))))
	t.Cleanup(elsewhere.Close)
	return elsewhere.URL
}

func (u *uploads) testPreflights(t *testing.T) {
	s := u.start(t, forwardMode, standin.Options{})
	s.connect()
	form := s.openForm(t)
	form.sendForm(ada)
	form.awaitFiles(1)
	form.downloaded()
	asked := form.log.preflights()
	for _, path := range []string{"/2/files/list_folder", "/2/files/upload", "/2/files/download"} {
		if !slices.Contains(asked, u.ports.apiURL()+"/dropbox"+path) {
			t.Errorf("no preflight for %s: %q", path, asked)
		}
	}
	for _, e := range s.server.Journal() {
		if e.Method == http.MethodOptions {
			t.Errorf("Dropbox got %s", e)
		}
	}
}

func (u *uploads) testNoPreflight(t *testing.T) {
	s := u.start(t, returnMode, standin.Options{})
	s.connect()
	form := s.openForm(t)
	form.sendForm(ada)
	for _, asked := range form.log.preflights() {
		if strings.HasPrefix(asked, u.ports.apiURL()) {
			t.Errorf("a preflight for %s", asked)
		}
	}
	// The API that the page itself calls wants some, so that the log does show them.
	if _, api, _ := u.ports.dropboxURLs(); !slices.Contains(form.log.preflights(), api+"/2/files/list_folder") {
		t.Errorf("the browser's log shows no preflights: %q", form.log.preflights())
	}
}
