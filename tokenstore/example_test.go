package tokenstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/oauth2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// A Go program calls an API with a connection of the store. The refreshes happen
// behind its back.
func Example() {
	saas := standin.New(standin.Options{Clients: []standin.Client{{ID: "app", Secret: "s3cret"}}})
	if err := saas.Start(); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = saas.Close() }()
	dir, err := os.MkdirTemp("", "tokenstore")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	backend, err := bolt.Open(filepath.Join(dir, "tokens.db"), bolt.Options{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := seal.ParseKey(strings.Repeat("0123456789abcdef", 4)) // of a file, in earnest
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	store, err := tokenstore.Open(ctx, tokenstore.Options{Backend: backend, Key: key})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = store.Close(ctx) }()

	provider, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
		Name: "demo", ClientID: "app", ClientSecret: secret.New("s3cret"),
		Grant:    tokenstore.GrantClientCredentials,
		TokenURL: saas.OAuthURL() + "/oauth2/token",
	})
	if err != nil {
		log.Fatal(err)
	}
	detach := store.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{provider}})
	defer detach()

	id := tokenstore.ID{Provider: "demo", Name: "app"}
	if _, err := store.Token(ctx, id, tokenstore.Want{Create: true}); err != nil {
		log.Fatal(err)
	}
	client := oauth2.NewClient(ctx, store.TokenSource(ctx, id))
	defer client.CloseIdleConnections()
	resp, err := client.Post(saas.APIURL()+"/2/users/get_current_account", "", nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}
