package forward_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

func TestDestinationsOfWebDAV(t *testing.T) {
	a := newAPI(t, func(http.ResponseWriter, *http.Request) {})
	hosts := a.host() + "/dav\nhost other " + a.URL + "/other\nmethods MOVE COPY"
	const route = "handle_path /%s/* {\ntoken_proxy demo/one {\n%s\n}\n}\n"
	p := proxyToSite(t, hosts, fmt.Sprintf(route, "disk", "pass_header Destination")+fmt.Sprintf(route, "unlisted", "")+
		"handle /dav2/* {\nrewrite * /elsewhere\ntoken_proxy demo/one {\npass_header Destination\n}\n}")
	site := strings.TrimPrefix(p.url, "http://")
	for name, tc := range map[string]struct {
		path, destination, want string // no want: it is refused
	}{
		"a path":                           {"/disk/a", "/disk/b%20c/d", a.URL + "/dav/b%20c/d"},
		"a URL":                            {"/disk/a", p.url + "/disk/b", a.URL + "/dav/b"},
		"a URL of a site behind a proxy":   {"/disk/a", "https://" + site + "/disk/b", a.URL + "/dav/b"},
		"the top":                          {"/disk/a", "/disk/", a.URL + "/dav/"},
		"a host that is named":             {"/disk/other/a", "/disk/other/b", a.URL + "/other/b"},
		"signs that need no escape":        {"/disk/a", "/disk/b(1)*", a.URL + "/dav/b(1)*"},
		"another host of the provider":     {"/disk/a", "/disk/other/b", ""},
		"another server":                   {"/disk/a", "http://evil.example/disk/b", ""},
		"the API itself":                   {"/disk/a", a.URL + "/dav/b", ""},
		"a server without a scheme":        {"/disk/a", "//evil.example/disk/b", ""},
		"another scheme":                   {"/disk/a", "ftp://" + site + "/disk/b", ""},
		"outside of the route":             {"/disk/a", "/tape/b", ""},
		"beside the prefix":                {"/disk/a", "/diskette/b", ""},
		"the prefix without a path":        {"/disk/a", "/disk", ""},
		"up and out":                       {"/disk/a", "/disk/../b", ""},
		"up and out, escaped":              {"/disk/a", "/disk/%2e%2e/b", ""},
		"an escaped slash":                 {"/disk/a", "/disk/b%2fc", ""},
		"an empty segment":                 {"/disk/a", "/disk//b", ""},
		"an invalid escape":                {"/disk/a", "/disk/%zz", ""},
		"user information":                 {"/disk/a", "http://me@" + site + "/disk/b", ""},
		"a query":                          {"/disk/a", "/disk/b?x=1", ""},
		"a fragment":                       {"/disk/a", "/disk/b#x", ""},
		"a relative path":                  {"/disk/a", "b", ""},
		"nothing":                          {"/disk/a", "", ""},
		"a route that writes another path": {"/dav2/a", "/dav2/b", ""},
		"bytes that have to be escaped":    {"/disk/a", "/disk/\u00fc", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(a.requests())
			r := p.request("MOVE", tc.path, nil)
			r.Header.Set("Destination", tc.destination)
			res, body := p.do(r)
			seen := a.requests()[before:]
			if tc.want == "" {
				if res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Destination") || len(seen) != 0 {
					t.Errorf("status %d, %d requests at the API: %s", res.StatusCode, len(seen), body)
				}
				return
			}
			if res.StatusCode != http.StatusOK || seen[0].Header.Get("Destination") != tc.want {
				t.Errorf("status %d: %s; the API saw %v", res.StatusCode, body, seen)
			}
		})
	}
	t.Run("where it is not listed it is taken away", func(t *testing.T) {
		r := p.request("MOVE", "/unlisted/a", nil)
		r.Header.Set("Destination", "/unlisted/b")
		res, _ := p.do(r)
		seen := a.requests()
		if _, there := seen[len(seen)-1].Header["Destination"]; there || res.StatusCode != http.StatusOK {
			t.Errorf("status %d, Destination is there: %t", res.StatusCode, there)
		}
	})
	t.Run("two of them", func(t *testing.T) {
		r := p.request("MOVE", "/disk/a", nil)
		r.Header["Destination"] = []string{"/disk/b", "/disk/c"}
		if res, body := p.do(r); res.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d: %s", res.StatusCode, body)
		}
	})
}

// A key that is bound to paths is bound to them at both ends.
func TestAKeyIsForTheDestinationToo(t *testing.T) {
	a := newAPI(t, func(http.ResponseWriter, *http.Request) {})
	p := proxyToSite(t, a.host()+"\nmethods MOVE", "handle_path /disk/* {\ntoken_proxy demo/one {\nallow key ci\npass_header Destination\n}\n}")
	store, err := p.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	scope := callerkey.Scope{Connections: []string{"demo/one"}, Paths: []string{"/inbox/*"}}
	_, key, err := store.CallerKeys().Create(t.Context(), callerkey.Spec{Name: "ci", Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	for destination, want := range map[string]int{
		"/disk/inbox/b":   http.StatusOK,
		"/disk/outbox/b":  http.StatusForbidden,
		"/disk/inboxes/b": http.StatusForbidden,
	} {
		before := len(a.requests())
		r := p.request("MOVE", "/disk/inbox/a", nil)
		r.Header.Set("Authorization", "Bearer "+key.Reveal())
		r.Header.Set("Destination", destination)
		res, body := p.do(r)
		if arrived := len(a.requests()) > before; res.StatusCode != want || arrived != (want == http.StatusOK) {
			t.Errorf("%s: status %d, the API was asked: %t: %s", destination, res.StatusCode, arrived, body)
		}
	}
}
