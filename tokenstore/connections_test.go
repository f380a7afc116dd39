package tokenstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestWhatCanBeImported(t *testing.T) {
	long := strings.Repeat("t", 16<<10+1)
	for name, tc := range map[string]struct {
		id   tokenstore.ID
		in   tokenstore.Import
		want error
	}{
		"an access token alone":              {demo, tokenstore.Import{AccessToken: "a"}, nil},
		"both tokens":                        {demo, tokenstore.Import{AccessToken: "a", RefreshToken: "r", Refresh: &tokenstore.RefreshPolicy{Mode: tokenstore.RefreshOnDemand}}, nil},
		"nothing":                            {demo, tokenstore.Import{}, tokenstore.ErrInvalidImport},
		"a space in the access token":        {demo, tokenstore.Import{AccessToken: "a b"}, tokenstore.ErrInvalidImport},
		"a line break in the access token":   {demo, tokenstore.Import{AccessToken: "a\r\nX-Evil: 1"}, tokenstore.ErrInvalidImport},
		"a letter beyond ASCII":              {demo, tokenstore.Import{RefreshToken: "é"}, tokenstore.ErrInvalidImport},
		"an access token that is too long":   {demo, tokenstore.Import{AccessToken: long}, tokenstore.ErrInvalidImport},
		"a refresh token that is too long":   {demo, tokenstore.Import{AccessToken: "a", RefreshToken: long}, tokenstore.ErrInvalidImport},
		"an expiry before 1970":              {demo, tokenstore.Import{AccessToken: "a", ExpiresAt: time.Unix(-1, 0)}, tokenstore.ErrInvalidImport},
		"an unknown refresh mode":            {demo, tokenstore.Import{AccessToken: "a", Refresh: &tokenstore.RefreshPolicy{Mode: "often"}}, tokenstore.ErrInvalidImport},
		"keep_alive without a period":        {demo, tokenstore.Import{AccessToken: "a", Refresh: &tokenstore.RefreshPolicy{Mode: tokenstore.RefreshKeepAlive}}, tokenstore.ErrInvalidImport},
		"a period where none is taken":       {demo, tokenstore.Import{AccessToken: "a", Refresh: &tokenstore.RefreshPolicy{Mode: tokenstore.RefreshEager, Period: time.Hour}}, tokenstore.ErrInvalidImport},
		"a provider that is not configured":  {tokenstore.ID{Provider: "other", Name: "auth"}, tokenstore.Import{AccessToken: "a"}, tokenstore.ErrNotFound},
		"an id that is none":                 {tokenstore.ID{Provider: "demo", Name: "a/b"}, tokenstore.Import{AccessToken: "a"}, tokenstore.ErrInvalidID},
		"a provider's name that cannot be":   {tokenstore.ID{Provider: "Demo", Name: "a"}, tokenstore.Import{AccessToken: "a"}, tokenstore.ErrInvalidID},
		"an id that is none, and bad tokens": {tokenstore.ID{}, tokenstore.Import{AccessToken: "a b"}, tokenstore.ErrInvalidImport},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
				err := w.Import(t.Context(), tc.id, tc.in)
				if !errors.Is(err, tc.want) || err != nil && strings.Contains(err.Error(), long[:100]) {
					t.Errorf("Import returned %v, want %v", err, tc.want)
				}
				list, _, err := w.List(t.Context(), "", "", 10)
				if stored := len(list) > 0; stored != (tc.want == nil) || err != nil {
					t.Errorf("stored: %v, %v", list, err)
				}
			})
		})
	}
}

func TestAnImportReplacesTheWholeGrant(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		err := w.Import(t.Context(), demo, tokenstore.Import{
			AccessToken: "one", RefreshToken: "r", Scopes: []string{"s"}, Account: "ada", TokenType: "bot",
			ExpiresAt: w.now().Add(time.Hour), Refresh: &tokenstore.RefreshPolicy{Mode: tokenstore.RefreshOnDemand},
		})
		if err != nil {
			t.Fatal(err)
		}
		created := w.now()
		time.Sleep(time.Minute)
		if err := w.Import(t.Context(), demo, tokenstore.Import{AccessToken: "two"}); err != nil {
			t.Fatal(err)
		}
		want := tokenstore.Status{
			ID: demo, State: tokenstore.StateReady, Generation: 2, TokenType: "Bearer",
			CreatedAt: created, RefreshedAt: w.now(), Refresh: tokenstore.RefreshPolicy{Mode: tokenstore.RefreshEager},
		}
		if diff := cmp.Diff(want, w.status()); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if tok := w.token(); tok.Value.Reveal() != "two" || tok.Type != "Bearer" {
			t.Error("the old token is served")
		}
	})
}

func TestARefreshTokenAloneIsRefreshedAtOnce(t *testing.T) {
	for _, mode := range []tokenstore.RefreshMode{tokenstore.RefreshEager, tokenstore.RefreshOnDemand} {
		inWorld(t, standin.Options{Rotation: standin.RotateAlways}, nil, func(t *testing.T, w *world) {
			g, err := w.server.IssueGrant(clientID)
			if err != nil {
				t.Fatal(err)
			}
			err = w.Import(t.Context(), demo, tokenstore.Import{RefreshToken: g.RefreshToken, Refresh: &tokenstore.RefreshPolicy{Mode: mode}})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			w.wantRefreshes(1)
			if tok := w.token(); !w.accepted(tok) || tok.Generation != 2 {
				t.Errorf("%s: generation %d is served", mode, tok.Generation)
			}
			w.wantRefreshes(1)
		})
	}
}

func TestStatusTellsWhatIsKnown(t *testing.T) {
	scopes := func(c *tokenstore.ProviderConfig) {
		c.Scopes = []string{"files.content.read", "files.content.write"}
		c.Refresh = tokenstore.RefreshPolicy{Mode: tokenstore.RefreshKeepAlive, Period: 24 * time.Hour}
	}
	inWorld(t, standin.Options{}, scopes, func(t *testing.T, w *world) {
		start := w.now()
		err := w.Import(t.Context(), demo, tokenstore.Import{
			AccessToken: "a", RefreshToken: "r", ExpiresAt: start.Add(time.Hour), Account: "ada", Scopes: []string{"files.content.read"},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := w.status()
		if d := got.NextRefresh.Sub(start); d < 21*time.Hour || d > 24*time.Hour {
			t.Errorf("the next refresh is in %s", d)
		}
		got.NextRefresh = time.Time{}
		want := tokenstore.Status{
			ID: demo, State: tokenstore.StateReady, Generation: 1, TokenType: "Bearer",
			Scopes: []string{"files.content.read"}, MissingScopes: []string{"files.content.write"}, Account: "ada",
			CreatedAt: start, RefreshedAt: start, ExpiresAt: start.Add(time.Hour), HasRefreshToken: true,
			Refresh: tokenstore.RefreshPolicy{Mode: tokenstore.RefreshKeepAlive, Period: 24 * time.Hour},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		_, err = w.Status(t.Context(), tokenstore.ID{Provider: "demo", Name: "none"})
		if !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("of a connection that there is not: %v", err)
		}
		if _, err := w.Status(t.Context(), tokenstore.ID{}); !errors.Is(err, tokenstore.ErrInvalidID) {
			t.Errorf("of no id: %v", err)
		}
	})
}

func TestListGoesThroughAllConnectionsInPages(t *testing.T) {
	others := func(w *world) *tokenstore.Provider {
		return w.newProvider(func(c *tokenstore.ProviderConfig) { c.Name = "demo2" })
	}
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		defer w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{w.provider, others(w)}})()
		ids := w.connectMany(7)
		other := tokenstore.ID{Provider: "demo2", Name: "auth"}
		w.connect(other)
		for _, tc := range []struct {
			provider string
			limit    int
			want     []tokenstore.ID
		}{
			{"", 3, append(ids, other)},
			{"", 8, append(ids, other)},
			{"demo", 7, ids},
			{"demo", 0, ids},
			{"demo2", 100, []tokenstore.ID{other}},
			{"dem", 100, nil},
		} {
			var got []tokenstore.ID
			after, pages := "", 0
			for {
				list, next, err := w.List(t.Context(), tc.provider, after, tc.limit)
				if err != nil {
					t.Fatal(err)
				}
				if len(list) > max(1, tc.limit) {
					t.Errorf("a page of %d, asked for %d", len(list), tc.limit)
				}
				for _, s := range list {
					got = append(got, s.ID)
				}
				if after, pages = next, pages+1; next == "" || pages > 20 {
					break
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("provider %q in pages of %d (-want +got):\n%s", tc.provider, tc.limit, diff)
			}
		}
	})
}

func TestADeletionGivesTheGrantBack(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		g := w.connect(demo)
		if err := w.Delete(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
		if f, _ := w.server.Family(g.Family); !f.Revoked {
			t.Error("the grant lives on at the server")
		}
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("Token returned %v", err)
		}
		if err := w.Delete(t.Context(), demo); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("a second deletion returned %v", err)
		}
		if len(w.Census()) != 0 {
			t.Errorf("the census counts %v", w.Census())
		}
		time.Sleep(24 * time.Hour)
		w.wantRefreshes(0)
	})
}

func TestADeletionSucceedsThoughTheGrantCannotBeGivenBack(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		w.connect(demo)
		w.server.Script(standin.Fault{Path: "/oauth2/revoke", Status: 500})
		if err := w.Delete(t.Context(), demo); err != nil {
			t.Errorf("Delete returned %v", err)
		}
		if len(w.seen.troubles) != 1 || !strings.Contains(w.seen.troubles[0], demo.String()) {
			t.Errorf("the observer was told %q", w.seen.troubles)
		}
		if _, err := w.Status(t.Context(), demo); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("Status returned %v", err)
		}
	})
}

func TestADeletionWhoseCallerLeavesGivesTheGrantBackToo(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		g := w.connect(demo)
		w.backend.OnDelete(func(storage.Key) error { time.Sleep(5 * time.Second); return nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Delete(ctx, demo); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Delete returned %v", err)
		}
		time.Sleep(10 * time.Second)
		if f, _ := w.server.Family(g.Family); !f.Revoked {
			t.Error("the grant lives on at the server, and nobody knows it any more")
		}
	})
}

func TestClientCredentialsMakeAConnectionOnFirstUseOnly(t *testing.T) {
	inWorld(t, standin.Options{AccessLifetime: time.Hour}, clientCredentials, func(t *testing.T, w *world) {
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{}); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("without Create: %v", err)
		}
		if n := w.server.Requests("/oauth2/token"); n != 0 {
			t.Errorf("the server saw %d requests", n)
		}
		tok, err := w.Token(t.Context(), demo, tokenstore.Want{Create: true})
		if err != nil || !w.accepted(tok) {
			t.Fatalf("with Create: %v", err)
		}
		if s := w.status(); s.State != tokenstore.StateReady || s.HasRefreshToken || s.Generation != 1 {
			t.Errorf("status: %+v", s)
		}
		for range 100 {
			time.Sleep(10 * time.Minute)
			if !w.accepted(w.token()) {
				t.Fatal("the API refuses the token")
			}
		}
	})
}

func TestCreateMakesNoConnectionThatNeedsAConsent(t *testing.T) {
	inWorld(t, standin.Options{}, nil, func(t *testing.T, w *world) {
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{Create: true}); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("Token returned %v", err)
		}
		if _, err := w.Refresh(t.Context(), demo); !errors.Is(err, tokenstore.ErrNotFound) {
			t.Errorf("Refresh returned %v", err)
		}
	})
}

func TestAClientThatIsRefusedGetsNoConnectionAndLosesNone(t *testing.T) {
	inWorld(t, standin.Options{}, clientCredentials, func(t *testing.T, w *world) {
		w.server.Script(standin.Fault{GrantType: "client_credentials", Status: 400, Body: `{"error":"invalid_grant"}`, ContentType: "application/json"})
		if _, err := w.Token(t.Context(), demo, tokenstore.Want{Create: true}); !errors.Is(err, tokenstore.ErrMisconfigured) {
			t.Errorf("Token returned %v", err)
		}
		time.Sleep(2 * time.Hour)
		if tok := w.token(); !w.accepted(tok) {
			t.Error("it does not recover")
		}
	})
}

func TestAnotherWaiterDoesNotGetTheErrorOfAnImport(t *testing.T) {
	inWorld(t, standin.Options{}, onDemand, func(t *testing.T, w *world) {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		callback := w.approve(w.begin(demo))
		callback.Code = "made-up"
		w.server.Script(standin.Fault{GrantType: "authorization_code", Delay: 5 * time.Second})
		go func() { _, _ = w.FinishConsent(t.Context(), callback) }()
		time.Sleep(time.Second) // the consent's flight is under way
		if tok, err := w.Token(t.Context(), demo, tokenstore.Want{}); err != nil || !w.accepted(tok) {
			t.Errorf("Token returned %v", err)
		}
	})
}
