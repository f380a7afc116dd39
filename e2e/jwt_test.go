package e2e

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What the issuer puts into a token for /token on request.
const (
	ours     = "audience:https://tokens.example.com"
	mayStore = "custom_scope"
)

func TestJWTCallersGetWhatIsTheirs(t *testing.T) {
	issuer := startJWTIssuer(t, "")
	site := startJWTSite(t, issuer)
	for _, tt := range []struct{ name, path, token, caller string }{
		{"a token for this server", "/token", issuer.token("sid1", ours, mayStore), "sid1"},
		{"that of another robot", "/token", issuer.token("sid2", ours, mayStore), "sid2"},
		{"a token for others too", "/token", issuer.token("sid1", "audience:https://else.example.com", ours, mayStore), "sid1"},
		{"an ID token, where those of its client are wanted", "/page", issuer.idToken(), "id1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time it is known
				got := site.call(t, tt.path, tt.token)
				if got.status != http.StatusOK || got.body != site.grants[tt.caller].AccessToken {
					t.Fatalf("status %d: %s", got.status, got.body)
				}
				got.logs(t, `"connection":"dropbox-demo/`+tt.caller+`","as":"endpoint","caller":"jwt","name":"`+tt.caller+`"`)
			}
		})
	}
	t.Run("a request that is forwarded, with the one token in place of the other", func(t *testing.T) {
		got := site.call(t, "/dropbox/2/users/get_current_account", issuer.token("sid1", ours, mayStore))
		if got.status != http.StatusOK || !strings.Contains(got.body, "account_id") {
			t.Errorf("status %d: %s", got.status, got.body)
		}
		got.logs(t, `"as":"forward","caller":"jwt","name":"sid1"`)
	})
	t.Run("a robot that nobody has made a connection for", func(t *testing.T) {
		got := site.call(t, "/token", issuer.token("sid3", ours, mayStore))
		if got.status != http.StatusNotFound || got.problem != "unknown_connection" {
			t.Errorf("status %d: %s", got.status, got.body)
		}
	})
}

func TestJWTCallersWhoAreRefused(t *testing.T) {
	issuer := startJWTIssuer(t, "")
	site := startJWTSite(t, issuer)
	good := issuer.token("sid1", ours, mayStore)
	if got := site.call(t, "/token", good); got.status != http.StatusOK {
		t.Fatalf("a good token: status %d: %s", got.status, got.body)
	}
	sent := []string{good}
	// The answers are all alike. The log tells that it was refused for the reason that is tested.
	for _, tt := range []struct{ name, path, token, reason string }{
		{"no token", "/token", "", ""},
		{"no token, for a request to be forwarded", "/dropbox/2/users/get_current_account", "", ""},
		{"a token for another audience", "/token", issuer.token("sid1", "audience:https://else.example.com", mayStore), "none of the audiences (aud)"},
		{"a token for a part of the audience's name", "/token", issuer.token("sid1", "audience:https://tokens.example", mayStore), "none of the audiences (aud)"},
		{"the ID token of another client", "/token", issuer.idToken(), "none of the audiences (aud)"},
		{"a good token, for a request where another audience is wanted", "/page", good, "none of the audiences (aud)"},
		{"a token without the claim", "/token", issuer.token("sid1", ours), "a required claim has another value"},
		{"an expired token", "/token", issuer.token("sid1", ours, mayStore, "lifetime:-1s"), "expired (exp)"},
		{"a token with another robot's name written into it", "/token", tamper(t, good, `"sub":"sid1"`, `"sub":"sid2"`), "not signed with a key of the issuer"},
		{"a token that somebody else issued in the issuer's name", "/token", startJWTIssuer(t, issuer.server.URL).token("sid1", ours, mayStore), "not signed with a key of the issuer"},
		{"a token of another issuer", "/token", startJWTIssuer(t, "").token("sid1", ours, mayStore), "another issuer (iss)"},
		{"the good token without its signature", "/token", good[:strings.LastIndex(good, ".")+1], "not signed with a key of the issuer"},
		{"what is no JSON Web Token", "/token", "opaque-2f9c41d8", "no JWT in compact form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sent = append(sent, tt.token)
			got := site.call(t, tt.path, tt.token)
			if got.status != http.StatusUnauthorized || got.problem != "credentials_needed" || got.header.Get("WWW-Authenticate") != "Bearer" {
				t.Fatalf("status %d, WWW-Authenticate %q: %s", got.status, got.header.Get("WWW-Authenticate"), got.body)
			}
			if tt.reason != "" {
				got.logs(t, `"reason":"`+tt.reason)
			}
			got.logs(t, `"caller":"","name":""`)
			got.logs(t, `"refused":"credentials_needed"`)
		})
	}
	if got := site.call(t, "/token", good); got.status != http.StatusOK {
		t.Errorf("the good token afterwards: status %d: %s", got.status, got.body)
	}
	site.checkSilent(sent...)
}

// tamper replaces a claim of a token, and keeps its signature.
func tamper(t *testing.T, token, written, instead string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || strings.Count(string(claims), written) != 1 {
		t.Fatalf("no %s in %s, %v", written, claims, err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), written, instead, 1)))
	return strings.Join(parts, ".")
}

// Caddy remembers tokens that were good, but no longer than they are.
func TestJWTIsGoodUntilItExpires(t *testing.T) {
	issuer := startJWTIssuer(t, "")
	site := startJWTSite(t, issuer)
	site.call(t, "/token", issuer.token("sid2", ours, mayStore)) // the keys are there

	const lifetime = 5 * time.Second
	began := time.Now()
	token := issuer.token("sid1", ours, mayStore, "lifetime:"+lifetime.String())
	var got answer
	calls := 0
	eventually(t, 20*time.Second, "an expired token gets in", func() bool {
		got = site.call(t, "/token", token)
		calls++
		return got.status != http.StatusOK
	})
	got.logs(t, `"reason":"expired (exp)"`)
	// A token's times are whole seconds.
	if took := time.Since(began); got.problem != "credentials_needed" || calls == 1 || took < lifetime-time.Second {
		t.Errorf("after %s and %d requests: status %d: %s", took, calls, got.status, got.body)
	}
}

func TestJWTIssuerIsDown(t *testing.T) {
	issuer := startJWTIssuer(t, "")
	first, second := issuer.token("sid1", ours, mayStore), issuer.token("sid2", ours, mayStore)
	foreign := issuer.token("sid1", "audience:https://else.example.com", mayStore)
	issuer.down.Store(true)
	site := startJWTSite(t, issuer) // which Caddy does regardless

	for range 2 {
		got := site.call(t, "/token", first)
		if got.status != http.StatusServiceUnavailable || got.problem != "issuer_unavailable" || got.header.Get("Retry-After") == "" {
			t.Fatalf("status %d, Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.body)
		}
		got.logs(t, `"refused":"issuer_unavailable"`)
	}
	for name, token := range map[string]string{"no token": "", "a token that is for others anyway": foreign} {
		if got := site.call(t, "/token", token); got.problem != "credentials_needed" {
			t.Errorf("%s: status %d: %s", name, got.status, got.body)
		}
	}

	issuer.down.Store(false)
	eventually(t, 20*time.Second, "the issuer is up, and its token does not get in", func() bool {
		got := site.call(t, "/token", first)
		return got.status == http.StatusOK && got.body == site.grants["sid1"].AccessToken
	})

	issuer.down.Store(true)
	if got := site.call(t, "/token", second); got.status != http.StatusOK || got.body != site.grants["sid2"].AccessToken {
		t.Errorf("the issuer is down again, and its keys are known: status %d: %s", got.status, got.body)
	}
}
