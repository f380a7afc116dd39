package adminapi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

var (
	now      = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	inAnHour = now.Add(time.Hour)
	grants   = cmp.Comparer(func(a, b secret.String) bool { return a.Equal(b) })
)

func policy(mode tokenstore.RefreshMode, period time.Duration) *tokenstore.RefreshPolicy {
	return &tokenstore.RefreshPolicy{Mode: mode, Period: period}
}

func TestParseGrant(t *testing.T) {
	token := secret.New("a")
	tests := []struct {
		name    string
		body    string
		want    Grant
		strict  string // part of ParseGrant's error; empty: it returns want
		lenient string // part of ParseForeignGrant's error; empty: it returns want
	}{
		{"everything at once",
			`{"access_token":"a","refresh_token":"r","token_type":"Bearer","expires_at":"2026-01-02T04:04:05Z","scope":"x y","account":"me","refresh":"keep_alive 30d"}`,
			Grant{AccessToken: token, RefreshToken: secret.New("r"), TokenType: "Bearer", ExpiresAt: inAnHour,
				Scopes: []string{"x", "y"}, Account: "me", Refresh: policy(tokenstore.RefreshKeepAlive, 30*24*time.Hour)}, "", ""},
		{"only a refresh token", `{"refresh_token":"r"}`, Grant{RefreshToken: secret.New("r")}, "", ""},
		{"expires_in counts from now", `{"access_token":"a","expires_in":3600}`, Grant{AccessToken: token, ExpiresAt: inAnHour}, "", ""},
		{"a time with another offset", `{"access_token":"a","expires_at":"2026-01-02T05:04:05+01:00"}`, Grant{AccessToken: token, ExpiresAt: inAnHour}, "", ""},
		{"a lifetime beyond all belief is clamped", `{"access_token":"a","expires_in":1e300}`, Grant{AccessToken: token, ExpiresAt: now.Add(maxLifetime)}, "", ""},
		{"a mode without a period", `{"access_token":"a","refresh":"on_demand"}`, Grant{AccessToken: token, Refresh: policy(tokenstore.RefreshOnDemand, 0)}, "", ""},

		{"an unknown member", `{"access_token":"a","id_token":"x"}`, Grant{AccessToken: token}, "unknown member", ""},
		{"a member in upper case", `{"access_token":"a","REFRESH_TOKEN":"r"}`, Grant{AccessToken: token}, "unknown member", ""},
		{"the expiry of x/oauth2", `{"access_token":"a","expiry":"2026-01-02T04:04:05Z"}`, Grant{AccessToken: token, ExpiresAt: inAnHour}, "unknown member", ""},
		{"the zero expiry of x/oauth2 is unknown", `{"access_token":"a","expiry":"0001-01-01T00:00:00Z"}`, Grant{AccessToken: token}, "unknown member", ""},
		{"an absolute time and a relative one", `{"access_token":"a","expires_at":"2026-01-02T04:04:05Z","expires_in":60}`, Grant{AccessToken: token, ExpiresAt: inAnHour}, "not both", ""},
		{"a Unix time", `{"access_token":"a","expires_at":1767326645.25}`, Grant{AccessToken: token, ExpiresAt: inAnHour}, "expires_at is not a time", ""},
		{"expires_in as a string", `{"access_token":"a","expires_in":"3600"}`, Grant{AccessToken: token, ExpiresAt: inAnHour}, "expires_in is not a number", ""},
		{"a list of scopes", `{"access_token":"a","scope":["x","y"]}`, Grant{AccessToken: token, Scopes: []string{"x", "y"}}, "scope is not a string", ""},
		{"members that are null", `{"access_token":"a","refresh_token":null,"expires_in":null,"scope":null}`, Grant{AccessToken: token}, "refresh_token is not a string", ""},
		{"an expires_in that ends in a fraction", `{"access_token":"a","expires_in":3600.0000000001}`, Grant{AccessToken: token, ExpiresAt: inAnHour}, "expires_in is not a number", ""},

		{"no token at all", `{"scope":"x"}`, Grant{}, "neither access_token nor refresh_token", "neither access_token nor refresh_token"},
		{"empty tokens", `{"access_token":"","refresh_token":""}`, Grant{}, "neither", "neither"},
		{"a token that is a number", `{"access_token":12345}`, Grant{}, "access_token is not a string", "access_token is not a string"},
		{"a member that is there twice", `{"access_token":"a","access_token":"b"}`, Grant{}, "twice", "twice"},
		{"a member that is there twice, once escaped", `{"access_token":"a","access\u005ftoken":"b"}`, Grant{}, "twice", "twice"},
		{"a negative lifetime", `{"access_token":"a","expires_in":-1}`, Grant{}, "expires_in is not a number", "expires_in is not a number"},
		{"a lifetime that is no number", `{"access_token":"a","expires_in":"NaN"}`, Grant{}, "expires_in is not a number", "expires_in is not a number"},
		{"a time that is none", `{"access_token":"a","expires_at":"tomorrow"}`, Grant{}, "expires_at is not a time", "expires_at is not a time"},
		{"a time that UTC puts into the year 10000", `{"access_token":"a","expires_at":"9999-12-31T23:59:59-01:00"}`, Grant{}, "expires_at is not a time", "expires_at is not a time"},
		{"a time before Unix", `{"access_token":"a","expires_at":"1969-12-31T23:59:59Z"}`, Grant{}, "expires_at is not a time", "expires_at is not a time"},
		{"an unknown refresh policy", `{"access_token":"a","refresh":"sometimes"}`, Grant{}, "refresh is not", "refresh is not"},
		{"keep_alive without a period", `{"access_token":"a","refresh":"keep_alive"}`, Grant{}, "refresh is not", "refresh is not"},
		{"keep_alive with a short period", `{"access_token":"a","refresh":"keep_alive 1s"}`, Grant{}, "at least 1m", "at least 1m"},
		{"eager with a period", `{"access_token":"a","refresh":"eager 1h"}`, Grant{}, "refresh is not", "refresh is not"},
		{"an empty body", ``, Grant{}, "not a JSON object", "not a JSON object"},
		{"a list", `[{"access_token":"a"}]`, Grant{}, "not a JSON object", "not a JSON object"},
		{"an object that does not end", `{"access_token":"a"`, Grant{}, "not a JSON object", "not a JSON object"},
		{"a member without a value", `{"access_token"}`, Grant{}, "not a JSON object", "not a JSON object"},
		{"something behind the object", `{"access_token":"a"}{}`, Grant{}, "something follows", "something follows"},
		{"garbage behind the object", `{"access_token":"a"}x`, Grant{}, "something follows", "something follows"},
	}
	parsers := []struct {
		name  string
		parse func([]byte, time.Time) (Grant, error)
	}{{"strictly", ParseGrant}, {"leniently", ParseForeignGrant}}
	for _, tt := range tests {
		for i, p := range parsers {
			t.Run(tt.name+", "+p.name, func(t *testing.T) {
				problem := []string{tt.strict, tt.lenient}[i]
				got, err := p.parse([]byte(tt.body), now)
				if problem != "" {
					if !errors.Is(err, ErrMalformedGrant) || !strings.Contains(err.Error(), problem) {
						t.Fatalf("error %v, want one that tells of %q", err, problem)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if d := tt.want.ExpiresAt.Sub(got.ExpiresAt).Abs(); d < time.Millisecond {
					got.ExpiresAt = tt.want.ExpiresAt
				}
				want := tt.want
				if want.Scopes == nil && len(got.Scopes) == 0 {
					got.Scopes = nil
				}
				if diff := cmp.Diff(want, got, grants); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestAGrantPrintsNoToken(t *testing.T) {
	g := Grant{AccessToken: secret.New("canary-a"), RefreshToken: secret.New("canary-r")}
	if printed := fmt.Sprintf("%v %+v %#v %s", g, g, g, g); strings.Contains(printed, "canary") {
		t.Errorf("printed %s", printed)
	}
}

// What is read is what was meant: encoding a grant and reading it again changes nothing; and no
// error repeats a token.
func FuzzParseGrantKeepsWhatItReads(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"canary","expires_in":3600,"refresh":"keep_alive 1h"}`,
		`{"refresh_token":"canary","expires_at":"2026-01-02T04:04:05Z","scope":"x y"}`,
		`{"access_token":"canary","expiry":"2026-01-02T04:04:05.5+01:00"}`,
		`{"access_token":["canary"]}`,
		`{"canary":1}`,
		`canary`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, parse := range []func([]byte, time.Time) (Grant, error){ParseGrant, ParseForeignGrant} {
			g, err := parse(body, now)
			if err != nil {
				if strings.Contains(err.Error(), "canary") {
					t.Errorf("the error repeats what was read: %v", err)
				}
				continue
			}
			encoded, err := g.Encode()
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseGrant(encoded, now.Add(time.Hour))
			if err != nil {
				t.Fatalf("%s: %v", encoded, err)
			}
			g.Scopes = strings.Fields(strings.Join(g.Scopes, " "))
			again.Scopes = strings.Fields(strings.Join(again.Scopes, " "))
			if diff := cmp.Diff(g, again, grants); diff != "" {
				t.Errorf("%s\n%s", encoded, diff)
			}
		}
	})
}
