package forward

import (
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// ofGeneric returns what passes for a provider without a preset, on a route that lists more.
func ofGeneric(request, response []string) *passing {
	provider, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
		Name: "demo", ClientID: "id", AuthorizeURL: "https://as.example/a", TokenURL: "https://as.example/t",
	})
	if err != nil {
		panic(err)
	}
	p := Passage{PassHeaders: request, PassResponseHeaders: response}
	return p.newPassing(provider)
}
