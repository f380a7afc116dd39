package forward

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// Whatever headers a request has, those that go upstream are listed, and the credential is ours alone.
func FuzzOnlyListedHeadersGoUpstream(f *testing.F) {
	f.Add("Authorization", "Bearer client", "authorization", "Basic x", "Authorization")
	f.Add("AUTHORIZATION", "", "X_Api_Key", "k", "X-Api-Token")
	f.Add("x-api-token", "client", "X-Api-Token", "client", "x-api-token")
	f.Add("X-Acme-User", "other", "X-Forwarded-For", "10.0.0.1", "Authorization")
	f.Add("Upgrade", "h2c", "Connection", "authorization", "Authorization")
	pass := ofGeneric([]string{"X-Acme-*", "X-Api-Token"}, nil)
	listed, _ := pass.request.Names()
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2, inject string) {
		provider, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
			Name: "demo", ClientID: "id", AuthorizeURL: "https://as.example/a", TokenURL: "https://as.example/t",
			Hosts:  []tokenstore.HostConfig{{Name: "api", URL: "https://api.example"}},
			Inject: tokenstore.InjectConfig{Header: inject, Value: "ours {token}"},
		})
		if err != nil {
			return
		}
		host := &provider.Hosts()[0]
		r := &http.Request{Method: "GET", Header: http.Header{name1: {value1}, name2: {value2}}}
		e := &errand{provider: provider, passing: pass, guarded: &forwarding{}, host: host, token: &tokenstore.Token{Value: secret.New("token")}}
		out := new(Transport).outgoing(r.WithContext(t.Context()), e)
		credential := textproto.CanonicalMIMEHeaderKey(host.Inject.Header)
		if got := out.Header[credential]; !slices.Equal(got, []string{"ours token"}) {
			t.Errorf("%s: %q", credential, got)
		}
		for name := range out.Header {
			canonical := textproto.CanonicalMIMEHeaderKey(name)
			if name == credential {
				continue
			}
			if canonical == credential || strings.EqualFold(name, "Authorization") {
				t.Errorf("%q goes upstream beside the credential", name)
			}
			if !slices.Contains(listed, canonical) && !strings.HasPrefix(canonical, "X-Acme-") {
				t.Errorf("%q goes upstream", name)
			}
		}
	})
}
