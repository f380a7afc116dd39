package catalog

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/methods"
)

// Generic is the id of the one preset without URLs.
const Generic = "generic"

var validID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate tells all that is wrong with p, joined into one error, or nil.
func (p Preset) Validate() error {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("catalog: preset %q: "+format, append([]any{p.ID}, args...)...))
	}
	if !validID.MatchString(p.ID) {
		bad("id: use lower-case letters, digits and single hyphens")
	}
	if p.Name == "" {
		bad("name: is missing")
	}
	p.checkURLs(bad)
	p.checkWords(bad)
	p.checkHosts(bad)
	p.Inject.check("inject", bad)
	p.checkPassing(bad)
	return errors.Join(problems...)
}

func (i Inject) check(where string, bad func(string, ...any)) {
	if i.Basic != "" {
		if i.Header != "" || i.Value != "" || strings.ContainsAny(i.Basic, ":{} \r\n") {
			bad("%s: basic %q: write a user name without a colon, and neither a header nor a value", where, i.Basic)
		}
		return
	}
	if http.CanonicalHeaderKey(i.Header) != i.Header || strings.ContainsAny(i.Header, " :\r\n") || i.Header == "" {
		bad("%s: header %q: write it in its canonical form", where, i.Header)
	}
	if strings.Count(i.Value, "{token}") != 1 {
		bad("%s: value: must have {token} in it exactly once", where)
	}
}

func (p Preset) checkURLs(bad func(string, ...any)) {
	for _, u := range []struct {
		name, url string
		required  bool
	}{
		{"docs_url", p.DocsURL, p.ID != Generic},
		{"authorize_url", p.AuthorizeURL, p.ID != Generic},
		{"token_url", p.TokenURL, p.ID != Generic},
		{"refresh_url", p.RefreshURL, false},
		{"revoke_url", p.RevokeURL, false},
	} {
		if u.url == "" && !u.required {
			continue
		}
		if !secure(u.url) {
			bad("%s: %q: write an absolute https URL without user information or fragment", u.name, u.url)
		}
	}
}

// checkWords holds the words with a fixed vocabulary to it.
func (p Preset) checkWords(bad func(string, ...any)) {
	for _, w := range []struct {
		name, word string
		allowed    []string
	}{
		{"client_auth", string(p.ClientAuth), []string{"params", "header", "none"}},
		{"token_body", string(p.TokenBody), []string{"form", "json"}},
		{"pkce", string(p.PKCE), []string{"required", "supported", "unsupported", "refused"}},
		{"revoke_style", string(p.RevokeStyle), []string{"", "rfc7009", "bearer"}},
		{"rotation", string(p.Rotation), []string{"never", "always", "unknown"}},
		{"scope_separator", p.ScopeSeparator, []string{" ", ",", "+"}},
	} {
		if !slices.Contains(w.allowed, w.word) {
			bad("%s: %q: use one of %q", w.name, w.word, w.allowed)
		}
	}
	if p.AccessTokenLifetime < 0 {
		bad("access_token_lifetime_s: must not be negative")
	}
}

func (p Preset) checkHosts(bad func(string, ...any)) {
	if len(p.Hosts) == 0 && p.ID != Generic {
		bad("hosts: name at least one; a token may go nowhere else")
	}
	names, routes := map[string]bool{}, map[string]bool{}
	for i, h := range p.Hosts {
		if !validID.MatchString(h.Name) || names[h.Name] {
			bad("hosts[%d]: name %q: use lower-case letters, digits and single hyphens, each name once", i, h.Name)
		}
		names[h.Name] = true
		if u, err := url.Parse(h.URL); !secure(h.URL) || err != nil || u.RawQuery != "" || strings.HasSuffix(u.Path, "/") {
			bad("hosts[%d]: url %q: write an absolute https URL without a query or a slash at its end", i, h.URL)
		}
		if h.Inject != (Inject{}) {
			h.Inject.check(fmt.Sprintf("hosts[%d]: inject", i), bad)
		}
		if i == 0 && len(h.Paths) > 0 {
			bad("hosts[0]: paths: the default host serves what the others do not; leave them out")
		}
		for _, route := range h.Paths {
			if !strings.HasPrefix(route, "/") || path.Clean(route) != route || routes[route] {
				bad("hosts[%d]: path %q: write a clean absolute path, each once", i, route)
			}
			routes[route] = true
		}
	}
}

// checkPassing holds what may pass between a client and the API to its rules.
func (p Preset) checkPassing(bad func(string, ...any)) {
	if err := p.Headers.Validate(); err != nil {
		bad("headers: %w", err)
	}
	for _, name := range p.Headers.Privileged {
		if slices.ContainsFunc(p.Headers.Request, func(listed string) bool { return strings.EqualFold(listed, name) }) {
			bad("headers: privileged: %s: it is in the list of what passes too", name)
		}
	}
	for _, method := range p.Methods {
		if err := methods.Check(method); err != nil {
			bad("methods: %w", err)
		}
	}
}

func secure(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && !strings.Contains(raw, "#")
}
