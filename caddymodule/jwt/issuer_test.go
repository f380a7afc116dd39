package jwt

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
)

func TestProvisionTellsAllProblems(t *testing.T) {
	t.Setenv("JWT_TEST_EMPTY", "")
	_, err := Issuer{
		Issuer:    "http://login.example.com",
		Audiences: []string{"{env.JWT_TEST_EMPTY}"},
		Require:   map[string][]string{"a": nil, "b": {""}, "": {"x"}},
	}.Provision(Options{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"use https", "JWT_TEST_EMPTY is not set", "require a: there is none", "require b: one is empty", "the name of the claim is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestIssuersThatCanBe(t *testing.T) {
	for _, tc := range []struct {
		name, url string
		problem   string // none if empty
	}{
		{name: "https", url: "https://login.example.com"},
		{name: "https with a path", url: "https://login.example.com/tenant/v2.0/"},
		{name: "https with a port", url: "https://login.example.com:8443"},
		{name: "http of this machine by name", url: "http://localhost:8080/realms/x"},
		{name: "http of this machine by address", url: "http://127.1.2.3:8080"},
		{name: "http of this machine by IPv6 address", url: "http://[::1]:8080"},
		{name: "http elsewhere", url: "http://10.0.0.1", problem: "use https"},
		{name: "a name that only begins like this machine", url: "http://localhost.example.com", problem: "use https"},
		{name: "another scheme", url: "ftp://login.example.com", problem: "use https"},
		{name: "no scheme", url: "login.example.com", problem: "no absolute URL"},
		{name: "no host", url: "https:///tenant", problem: "no absolute URL"},
		{name: "nothing", url: "", problem: "missing"},
		{name: "what is no URL", url: "https://%zz", problem: "no absolute URL"},
		{name: "a password", url: "https://a:b@login.example.com", problem: "user information"},
		{name: "a query", url: "https://login.example.com/?", problem: "query"},
		{name: "a fragment", url: "https://login.example.com/#", problem: "fragment"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Issuer{Issuer: tc.url, Audiences: []string{"a"}}.Provision(Options{})
			if (err == nil) != (tc.problem == "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("error %v, want %q", err, tc.problem)
			}
		})
	}
}

func TestPlaceholdersAreReplaced(t *testing.T) {
	s := newTestIssuer(t)
	t.Setenv("JWT_TEST_ISSUER", s.URL)
	t.Setenv("JWT_TEST_AUDIENCE", audience)
	t.Setenv("JWT_TEST_TENANT", "t1")
	rule := Issuer{Issuer: "{env.JWT_TEST_ISSUER}", Audiences: []string{"{env.JWT_TEST_AUDIENCE}"}, Require: map[string][]string{"tid": {"{env.JWT_TEST_TENANT}"}}}
	v := s.verifier(t, rule, nil)
	checkVerified(t, v, s.key.sign(t, s.claims(object{"tid": "t1"}), nil), "ann")
	checkVerified(t, v, s.good(t), "")
}

func TestCaddyfile(t *testing.T) {
	for _, tc := range []struct {
		name, input string
		want        string // the JSON
		problem     string
	}{
		{
			name: "all settings",
			input: `allow jwt https://login.example.com {
				audience a b
				audience c
				require  tid t1
				require  roles editor admin
				name     oid
				private
			}`,
			want: `{"issuer":"https://login.example.com","audiences":["a","b","c"],"require":{"roles":["editor","admin"],"tid":["t1"]},"name":"oid","private":true}`,
		},
		{
			name:  "an issuer from the environment",
			input: "allow jwt {env.ISSUER} {\n audience {env.AUDIENCE}\n}",
			want:  `{"issuer":"{env.ISSUER}","audiences":["{env.AUDIENCE}"]}`,
		},
		{name: "no issuer", input: "allow jwt", problem: "write allow jwt <issuer>"},
		{name: "two issuers", input: "allow jwt https://a.example https://b.example", problem: "write allow jwt <issuer>"},
		{name: "no block", input: "allow jwt https://a.example", problem: "audience is missing"},
		{name: "an issuer without TLS", input: "allow jwt http://a.example {\n audience a\n}", problem: "use https"},
		{name: "an audience without a name", input: "allow jwt https://a.example {\n audience\n}", problem: "write audience"},
		{name: "a claim without a value", input: "allow jwt https://a.example {\n audience a\n require b\n}", problem: "write audience"},
		{name: "a claim twice", input: "allow jwt https://a.example {\n audience a\n require b c\n require b d\n}", problem: "require b is already specified"},
		{name: "two names", input: "allow jwt https://a.example {\n audience a\n name b\n name c\n}", problem: "name is already specified"},
		{name: "private with a value", input: "allow jwt https://a.example {\n audience a\n private yes\n}", problem: "private: write"},
		{name: "a block in the block", input: "allow jwt https://a.example {\n audience a {\n x\n }\n}", problem: "takes no block"},
		{name: "an unknown setting", input: "allow jwt https://a.example {\n audience a\n jwks x\n}", problem: `"jwks"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := caddyfile.NewTestDispenser(tc.input)
			d.Next()
			d.NextArg()
			i, err := Unmarshal(d)
			if tc.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tc.problem) || !strings.Contains(err.Error(), "Testfile:") {
					t.Fatalf("error %v, want %q and a line", err, tc.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, _ := json.Marshal(i)
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
