package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// jwtIssuer is an OpenID provider that gives robots JSON Web Tokens, and people who use the client
// page ID tokens.
type jwtIssuer struct {
	t      *testing.T
	server *httptest.Server
	down   atomic.Bool // it answers like a proxy that has lost the server behind it
}

// startJWTIssuer starts an issuer that calls itself name in its tokens; "" means by its own URL.
func startJWTIssuer(t *testing.T, name string) *jwtIssuer {
	t.Helper()
	i := &jwtIssuer{t: t}
	var handler http.Handler
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(i.server.Close)
	if name == "" {
		name = i.server.URL
	}
	known := robots{storage.NewStorageWithClients(storage.NewUserStore(i.server.URL), map[string]*storage.Client{
		"page": storage.WebClient("page", clientSecret, i.landing()),
	})}
	handler = exampleop.SetupServer(name, known, slog.New(slog.DiscardHandler), false)
	return i
}

// landing is where people are sent with their ID token.
func (i *jwtIssuer) landing() string { return i.server.URL + "/logged-out" }

// token returns an access token of a robot. Which one, the scopes say: see robots.
func (i *jwtIssuer) token(robot string, scopes ...string) string {
	i.t.Helper()
	resp, err := i.server.Client().PostForm(i.server.URL+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {robot}, "client_secret": {"verysecret"}, "scope": {strings.Join(scopes, " ")},
	})
	if err != nil {
		i.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || strings.Count(answer.Token, ".") != 2 {
		i.t.Fatalf("status %d, %v: no JSON Web Token", resp.StatusCode, err)
	}
	return answer.Token
}

// idToken returns the ID token that the client page gets when somebody, id1, logs in there.
func (i *jwtIssuer) idToken() string {
	i.t.Helper()
	at, _ := url.Parse(i.server.URL)
	b := newBrowser(i.t)
	status := b.connect(i.server.URL+"/auth?"+url.Values{
		"client_id": {"page"}, "response_type": {"id_token"}, "scope": {"openid"}, "nonce": {"n"}, "redirect_uri": {i.landing()},
	}.Encode(), url.Values{"username": {"test-user@" + at.Hostname()}, "password": {"verysecure"}})
	answer, _ := url.ParseQuery(b.visited[len(b.visited)-1].Fragment)
	token := answer.Get("id_token")
	if status != http.StatusOK || token == "" {
		i.t.Fatalf("the login ended with status %d, and %d bytes of ID token", status, len(token))
	}
	return token
}

// robots is the provider's example of a storage, with service users of any name, and of one password, whose access
// tokens are JSON Web Tokens. A scope audience:<name> is for whom a token shall be, lifetime:<duration>
// until when, and the example's custom_scope puts the claim custom_claim into it.
type robots struct{ *storage.Storage }

type robot struct {
	op.Client
	id string
}

func (r robot) GetID() string                     { return r.id }
func (robot) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// ClientCredentials implements op.ClientCredentialsStorage.
func (s robots) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	client, err := s.Storage.ClientCredentials(ctx, "sid1", secret)
	return robot{client, id}, err
}

// ClientCredentialsTokenRequest implements op.ClientCredentialsStorage.
func (robots) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &oidc.JWTTokenRequest{Subject: id, Audience: scoped(scopes, "audience:"), Scopes: scopes}, nil
}

// CreateAccessToken implements op.Storage.
func (s robots) CreateAccessToken(ctx context.Context, request op.TokenRequest) (id string, expiry time.Time, err error) {
	id, expiry, err = s.Storage.CreateAccessToken(ctx, request)
	for _, written := range scoped(request.GetScopes(), "lifetime:") {
		lifetime, err := time.ParseDuration(written)
		if err != nil {
			return "", time.Time{}, err
		}
		expiry = time.Now().Add(lifetime)
	}
	return id, expiry, err
}

// scoped returns what follows prefix in the scopes that begin with it.
func scoped(scopes []string, prefix string) (found []string) {
	for _, scope := range scopes {
		if rest, ok := strings.CutPrefix(scope, prefix); ok {
			found = append(found, rest)
		}
	}
	return found
}
