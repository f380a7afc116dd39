package forward

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// FuzzRedirect wants of each address, wherever it points and however it is written, that what becomes of it is a path of this site,
// as strict and as lenient readers of URLs see it.
func FuzzRedirect(f *testing.F) {
	provider, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
		Name: "demo", ClientID: "id", AuthorizeURL: "https://as.example/a", TokenURL: "https://as.example/t",
		Hosts: []tokenstore.HostConfig{{Name: "api", URL: "https://api.example/v2"}, {Name: "evil.example", URL: "https://content.example"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, address := range []string{
		"https://api.example/v2/x?a#b", "https://content.example//evil.example", "//content.example/%5cevil.example", "https://api.example/v2", "/\\evil.example",
		"https://api.example:443/v2/\t/x", "https:api.example/v2", "https://content.example/evil.example/x", "?//evil", "#//evil", "",
	} {
		f.Add(address, "/saas/x", "/x")
		f.Add(address, "/x", "/x")
		f.Add(address, "//x", "/x")
	}
	f.Fuzz(func(t *testing.T, address, asked, inner string) {
		original, err := url.ParseRequestURI(asked)
		if err != nil || !strings.HasPrefix(inner, "/") {
			t.Skip()
		}
		ctx := context.WithValue(t.Context(), caddyhttp.OriginalRequestCtxKey, http.Request{URL: original})
		d := redirect{
			asked: (&http.Request{}).WithContext(ctx), inner: inner, provider: provider,
			sent: &url.URL{Scheme: "https", Host: "api.example", Path: "/v2/x"},
		}
		own, ok := d.own(address)
		if !ok {
			return
		}
		lenient := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(strings.TrimLeft(own, " "))
		site := &url.URL{Scheme: "https", Host: "site.example", Path: "/saas/x"}
		to, err := site.Parse(own)
		if !strings.HasPrefix(lenient, "/") || strings.HasPrefix(lenient, "//") || err != nil || to.Scheme != "https" || to.Host != "site.example" || to.User != nil {
			t.Errorf("%q became %q, which leads to %v, %v", address, own, to, err)
		}
	})
}
