package connect

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/caching"
)

//go:embed page.html
var pagesHTML string

var pages = template.Must(template.New("").Parse(pagesHTML))

// page is an answer of token_connect: a page of the template, or a redirect.
type page struct {
	status     int
	location   string // for a redirect
	name       string // of the template
	data       any
	allow      string
	retryAfter string
}

// What the templates show.
type (
	consentView struct {
		Site, Provider, Connection, Server string
		Scopes                             []string
		Action, Ticket, ReturnTo           string
		RedirectURI                        string
	}
	doneView  struct{ ID, Account string }
	errorView struct{ Title, Text, Command string }
)

func errorPage(status int, title, text string) page {
	return page{status: status, name: "error", data: errorView{Title: title, Text: text}}
}

// notFoundPage is for an address below base that is none of a connection.
func notFoundPage(base string) page {
	return errorPage(http.StatusNotFound, "Not found", "There is nothing to connect here. The address has the form "+base+"/provider/connection.")
}

func noProviderPage() page {
	return errorPage(http.StatusNotFound, "No such provider", "The address names a provider that this server does not have in its configuration. Whoever runs the server knows the right name.")
}

func badQueryPage() page {
	return errorPage(http.StatusBadRequest, "Not understood", "Something is missing in this request, or it is there twice. Begin again.")
}

func otherBrowserPage() page {
	return errorPage(http.StatusForbidden, "Not the browser that began",
		"A consent is finished in the browser that began it, within ten minutes, with cookies switched on. Begin again here.")
}

func badReturnPage() page {
	return errorPage(http.StatusBadRequest, "Not a page of this site", "return_to has to be a path of this site, such as /app.")
}

func internalPage() page {
	return errorPage(http.StatusInternalServerError, "That did not work", "Something failed on the server. Its log says what.")
}

func methodPage(allow string) page {
	p := errorPage(http.StatusMethodNotAllowed, "Not like this", "This address is for a browser.")
	p.allow = allow
	return p
}

// write sends the page. Redirects are 303, which turns a POST into a GET: a 307
// would send the form on to the authorization server.
func (p page) write(w http.ResponseWriter) {
	h := w.Header()
	caching.NoStore(h)
	h.Set("Referrer-Policy", p.referrer())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if p.location != "" {
		h.Set("Location", p.location)
		w.WriteHeader(p.status)
		return
	}
	nonce := rand.Text()
	body, err := p.render(nonce)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.Set("Content-Security-Policy", p.policy(nonce))
	h.Set("Content-Type", "text/html; charset=utf-8")
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.retryAfter != "" {
		h.Set("Retry-After", p.retryAfter)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body) // the browser may have gone
}

// policy allows the page its own style and nothing else. Chromium holds form-action
// against every redirect that follows the form, and where an authorization
// server sends a browser to sign in is its own affair: hence all of https.
func (p page) policy(nonce string) string {
	const policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'nonce-"
	form := "'none'"
	if asked, ok := p.data.(consentView); ok {
		form = "'self' https:"
		if strings.HasPrefix(asked.Server, "http://") { // on this machine, for tests and trials
			form += " " + asked.Server
		}
	}
	return policy + nonce + "'; form-action " + form
}

// referrer keeps the page's address, which may be a login link, out of all other requests. A page with a form
// lets its origin be seen: under no-referrer a browser sends "Origin: null" along with the form, and
// nobody can tell then that it came from here (Fetch standard, "append a request Origin header").
func (p page) referrer() string {
	if _, asked := p.data.(consentView); asked {
		return "strict-origin"
	}
	return "no-referrer"
}

func (p page) render(nonce string) ([]byte, error) {
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, p.name, struct {
		Nonce string
		View  any
	}{nonce, p.data})
	return b.Bytes(), err
}
