package standin_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestARefreshTokenThatNeverRotatesWorksAgainAndAgain(t *testing.T) {
	s := start(t, standin.Options{})
	g := issue(t, s)
	for range 3 {
		got, code := refresh(t, s, g.RefreshToken)
		// x/oauth2 keeps the old refresh token if none was sent.
		if code != "" || got.RefreshToken != g.RefreshToken {
			t.Fatalf("error %q, new refresh token: %t", code, got.RefreshToken != g.RefreshToken)
		}
	}
	if f, _ := s.Family(g.Family); f.Generation != 1 || f.Revoked {
		t.Errorf("family %+v", f)
	}
}

func TestASupersededRefreshToken(t *testing.T) {
	tests := []struct {
		name    string
		options standin.Options
		wait    time.Duration
		want    string
		revoked bool
	}{
		{"revokes the family", standin.Options{}, 0, "invalid_grant", true},
		{"is only refused if reuse detection is off", standin.Options{ReuseKeepsFamily: true}, 0, "invalid_grant", false},
		{"works within the grace window", standin.Options{Grace: time.Minute}, time.Minute - 1, "", false},
		{"revokes the family after the grace window", standin.Options{Grace: time.Minute}, time.Minute, "invalid_grant", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			tt.options.Now, tt.options.Rotation = c.Now, standin.RotateAlways
			s := start(t, tt.options)
			g := issue(t, s)
			next, code := refresh(t, s, g.RefreshToken)
			if code != "" {
				t.Fatal(code)
			}
			c.Advance(tt.wait)
			if _, code := refresh(t, s, g.RefreshToken); code != tt.want {
				t.Errorf("error %q, want %q", code, tt.want)
			}
			if f, _ := s.Family(g.Family); f.Revoked != tt.revoked || (f.Reason == standin.ReasonReuse) != tt.revoked {
				t.Errorf("family %+v", f)
			}
			if _, code := refresh(t, s, next.RefreshToken); (code != "") != tt.revoked {
				t.Errorf("its successor gives %q", code)
			}
		})
	}
}

func TestTheGraceWindowEndsWhenASuccessorIsUsed(t *testing.T) {
	s := start(t, standin.Options{Rotation: standin.RotateAlways, Grace: time.Hour})
	g := issue(t, s)
	next, _ := refresh(t, s, g.RefreshToken)
	if _, code := refresh(t, s, next.RefreshToken); code != "" {
		t.Fatal(code)
	}
	if _, code := refresh(t, s, g.RefreshToken); code != "invalid_grant" {
		t.Errorf("error %q", code)
	}
	if f, _ := s.Family(g.Family); !f.Revoked {
		t.Error("the family lives")
	}
}

func TestRefreshTokensExpire(t *testing.T) {
	tests := []struct {
		name    string
		options standin.Options
		use     bool // half-way
		want    standin.RefreshStatus
	}{
		{"one lives for ever", standin.Options{}, false, standin.RefreshLive},
		{"one has a lifetime", standin.Options{RefreshLifetime: 2 * time.Hour}, false, standin.RefreshExpired},
		{"use does not make one live longer", standin.Options{RefreshLifetime: 2 * time.Hour}, true, standin.RefreshExpired},
		{"one dies idle", standin.Options{RefreshIdle: 2 * time.Hour}, false, standin.RefreshExpired},
		{"use keeps one from dying idle", standin.Options{RefreshIdle: 2 * time.Hour}, true, standin.RefreshLive},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			tt.options.Now = c.Now
			s := start(t, tt.options)
			g := issue(t, s)
			c.Advance(time.Hour)
			if tt.use {
				if _, code := refresh(t, s, g.RefreshToken); code != "" {
					t.Fatal(code)
				}
			}
			c.Advance(time.Hour)
			if got, _ := s.RefreshStatus(g.RefreshToken); got != tt.want {
				t.Errorf("status %v, want %v", got, tt.want)
			}
			if _, code := refresh(t, s, g.RefreshToken); (code == "") != (tt.want == standin.RefreshLive) {
				t.Errorf("error %q", code)
			}
		})
	}
}

func TestScopesOfARefreshCanOnlyShrink(t *testing.T) {
	s := start(t, standin.Options{})
	g := issue(t, s, "a", "b")
	tests := []struct{ name, scope, want, err string }{
		{"the same are granted", "b a", "b a", ""},
		{"fewer are granted", "b", "b", ""},
		{"none means all", "", "a b", ""},
		{"more are refused", "a b c", "", "invalid_scope"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := s.Client().PostForm(s.OAuthURL()+"/oauth2/token", url.Values{
				"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}, "scope": {tt.scope},
				"client_id": {"demo"}, "client_secret": {"s3cr3t"},
			})
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Scope, Error string }
			if err := json.Unmarshal([]byte(body(t, resp)), &got); err != nil {
				t.Fatal(err)
			}
			if got.Scope != tt.want || got.Error != tt.err {
				t.Errorf("got %+v, want %q %q", got, tt.want, tt.err)
			}
		})
	}
}

func TestAnotherClientCannotRefresh(t *testing.T) {
	s := start(t, standin.Options{Rotation: standin.RotateAlways, Clients: []standin.Client{demo(), {ID: "other", Secret: "x"}}})
	g := issue(t, s)
	_, code := post(t, s, "/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}, "client_id": {"other"}, "client_secret": {"x"},
	})
	if status, _ := s.RefreshStatus(g.RefreshToken); code != "invalid_grant" || status != standin.RefreshLive {
		t.Errorf("error %q, status %v", code, status)
	}
}

// TestRotationAgainstAModel runs random refreshes with tokens of any age and
// compares with a model: only the newest works, and one wrong use ends it all.
func TestRotationAgainstAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := standin.New(standin.Options{Rotation: standin.RotateAlways, Clients: []standin.Client{demo()}, InMemory: true})
		if err := s.Start(); err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		g := issue(t, s)
		tokens, revoked := []string{g.RefreshToken}, false
		for range rapid.IntRange(1, 12).Draw(rt, "refreshes") {
			// Mostly the newest.
			back := max(0, rapid.IntRange(-6, len(tokens)-1).Draw(rt, "back"))
			at := len(tokens) - 1 - back
			got, code := refresh(t, s, tokens[at])
			revoked = revoked || back > 0
			if (code != "") != revoked {
				rt.Fatalf("token %d of %d: error %q, revoked %t", at+1, len(tokens), code, revoked)
			}
			if code == "" {
				tokens = append(tokens, got.RefreshToken)
			}
		}
		if f, _ := s.Family(g.Family); f.Revoked != revoked || f.Generation != len(tokens) {
			rt.Fatalf("family %+v, want generation %d, revoked %t", f, len(tokens), revoked)
		}
	})
}
