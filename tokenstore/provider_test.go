package tokenstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

func goodConfig() tokenstore.ProviderConfig {
	return tokenstore.ProviderConfig{
		Name: "demo", ClientID: "id", ClientSecret: secret.New("canary-client-secret"),
		AuthorizeURL: "https://as.example/authorize", TokenURL: "https://as.example/token",
	}
}

func TestWhatIsWrongWithAProviderIsToldWithItsRemedy(t *testing.T) {
	type config = tokenstore.ProviderConfig
	for name, tc := range map[string]struct {
		spoil  func(*config)
		field  string
		remedy string
	}{
		"no name":                 {func(c *config) { c.Name = "" }, "name", "empty"},
		"a name with a slash":     {func(c *config) { c.Name = "a/b" }, "name", "use lower-case letters"},
		"an unknown preset":       {func(c *config) { c.Preset = "dropbocks" }, "preset", "dropbox"},
		"an unknown grant":        {func(c *config) { c.Grant = "password" }, "grant", "authorization_code or client_credentials"},
		"no client id":            {func(c *config) { c.ClientID = " " }, "client_id", "register an app"},
		"credentials without any": {func(c *config) { c.Grant, c.ClientSecret = "client_credentials", secret.String{} }, "client_secret", "needs one"},
		"a scope with a space":    {func(c *config) { c.Scopes = []string{"a b"} }, "scopes", "RFC 6749"},
		"a scope with a quote":    {func(c *config) { c.Scopes = []string{`a"b`} }, "scopes", "RFC 6749"},
		"no token URL":            {func(c *config) { c.TokenURL = "" }, "token_url", "missing"},
		"a forgotten preset":      {func(c *config) { c.Name, c.TokenURL = "dropbox", "" }, "token_url", "provider dropbox dropbox"},
		"two tokens for one URL": {func(c *config) {
			c.Hosts = []tokenstore.HostConfig{{Name: "a", URL: "https://api.example"}, {Name: "b", URL: "https://api.example/", Inject: tokenstore.InjectConfig{BasicUser: "u"}}}
		}, "host", "a and b"},
		"no authorize URL":           {func(c *config) { c.AuthorizeURL = "" }, "authorize_url", "missing"},
		"a token URL in the clear":   {func(c *config) { c.TokenURL = "http://as.example/token" }, "token_url", "https"},
		"a refresh URL with a user":  {func(c *config) { c.RefreshURL = "https://u:canary@as.example/" }, "refresh_url", "client_secret instead"},
		"a revoke URL that is none":  {func(c *config) { c.RevokeURL = "as.example/revoke" }, "revoke_url", "https://"},
		"an unknown client_auth":     {func(c *config) { c.ClientAuth = "basic" }, "client_auth", "params, header or none"},
		"an unknown body":            {func(c *config) { c.TokenBody = "xml" }, "token_body", "form or json"},
		"an unknown pkce":            {func(c *config) { c.PKCE = "maybe" }, "pkce", "on nor off"},
		"a host in the clear":        {func(c *config) { c.Hosts = []tokenstore.HostConfig{{Name: "api", URL: "http://api.example"}} }, "host", "https"},
		"a host with a query":        {func(c *config) { c.Hosts = []tokenstore.HostConfig{{Name: "api", URL: "https://api.example/?a=b"}} }, "host", "alone"},
		"a host without a name":      {func(c *config) { c.Hosts = []tokenstore.HostConfig{{URL: "https://api.example"}} }, "host", "first segment"},
		"a host's name with a slash": {func(c *config) { c.Hosts = []tokenstore.HostConfig{{Name: "a/b", URL: "https://api.example"}} }, "host", "first segment"},
		"a header that is none":      {func(c *config) { c.Inject = tokenstore.InjectConfig{Header: "X Y"} }, "inject", "no header name"},
		"a value without a token":    {func(c *config) { c.Inject = tokenstore.InjectConfig{Value: "Bearer"} }, "inject", "{token}"},
		"a value with two":           {func(c *config) { c.Inject = tokenstore.InjectConfig{Value: "{token}{token}"} }, "inject", "once"},
		"basic and a header":         {func(c *config) { c.Inject = tokenstore.InjectConfig{Header: "X-Y", BasicUser: "u"} }, "inject", "or basic"},
		"a user with a colon":        {func(c *config) { c.Inject.BasicUser = "u:p" }, "inject", "without a colon"},
		"a user with a line break":   {func(c *config) { c.Inject.BasicUser = "u\n" }, "inject", "ASCII"},
		"a user with an umlaut":      {func(c *config) { c.Inject.BasicUser = "jürgen" }, "inject", "ASCII"},
		"a token for a user":         {func(c *config) { c.Inject.BasicUser = "{token}" }, "inject", "is the password"},
		"a host's bad user": {func(c *config) {
			c.Hosts = []tokenstore.HostConfig{{Name: "git", URL: "https://git.example", Inject: tokenstore.InjectConfig{BasicUser: "a:b"}}}
		}, "host", "git: inject: basic"},
		"a value with a line break": {func(c *config) { c.Inject = tokenstore.InjectConfig{Value: "{token}\r\nX: y"} }, "inject", "header value"},
		"all request headers":       {func(c *config) { c.RequestHeaders = []string{"X-Ok", "*"} }, "request_header", "X-Acme-*"},
		"credentials that pass":     {func(c *config) { c.RequestHeaders = []string{"authorization"} }, "request_header", "never"},
		"headers of proxies":        {func(c *config) { c.RequestHeaders = []string{"x-forwarded-for"} }, "request_header", "with pass_header"},
		"CORS of the API":           {func(c *config) { c.ResponseHeaders = []string{"Access-Control-Max-Age"} }, "response_header", "use allow origin"},
		"a method in lower case":    {func(c *config) { c.Methods = []string{"propfind"} }, "methods", "capital letters"},
		"a tunnel":                  {func(c *config) { c.Methods = []string{"CONNECT"} }, "methods", "never"},
		"an unknown refresh mode":   {func(c *config) { c.Refresh.Mode = "lazy" }, "refresh", "eager, on_demand or keep_alive"},
		"keep_alive each second":    {func(c *config) { c.Refresh = tokenstore.RefreshPolicy{Mode: "keep_alive", Period: time.Second} }, "refresh", "at least 1m"},
		"a negative lead":           {func(c *config) { c.Lead = -1 }, "lead", "between 0 and ten years"},
		"an assumed century":        {func(c *config) { c.AssumeTTL = 100 * 365 * 24 * time.Hour }, "assume_ttl", "ten years"},
		"a negative interval":       {func(c *config) { c.MinRefreshInterval = -time.Second }, "min_refresh_interval", "between 0"},
		"a negative concurrency":    {func(c *config) { c.MaxConcurrent = -1 }, "max_concurrent", "between 1 and 1000"},
		"too many at once":          {func(c *config) { c.MaxConcurrent = 1001 }, "max_concurrent", "between 1 and 1000"},
		"a negative rate":           {func(c *config) { c.MaxPerSecond = -1 }, "max_per_second", "above 0"},
		"a rate of centuries":       {func(c *config) { c.MaxPerSecond = 1e-10 }, "max_per_second", "0.000001"},
	} {
		t.Run(name, func(t *testing.T) {
			c := goodConfig()
			tc.spoil(&c)
			p, err := tokenstore.NewProvider(c)
			var problem *tokenstore.ConfigError
			if p != nil || !errors.As(err, &problem) {
				t.Fatalf("NewProvider returned %v, %v", p, err)
			}
			if problem.Field != tc.field || !strings.Contains(problem.Problem, tc.remedy) {
				t.Errorf("%s: want the field %s and the word %q", problem, tc.field, tc.remedy)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("a secret is told: %v", err)
			}
		})
	}
}

func TestAllProblemsOfAProviderAreToldAtOnce(t *testing.T) {
	_, err := tokenstore.NewProvider(tokenstore.ProviderConfig{Grant: "x", ClientAuth: "x", PKCE: "x", Lead: -1, MaxPerSecond: -1})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("NewProvider returned %v", err)
	}
	fields := map[string]bool{}
	for _, e := range joined.Unwrap() {
		var problem *tokenstore.ConfigError
		if !errors.As(e, &problem) {
			t.Errorf("%v is no ConfigError", e)
			continue
		}
		fields[problem.Field] = true
	}
	for _, want := range []string{"name", "grant", "client_id", "token_url", "client_auth", "pkce", "lead", "max_per_second"} {
		if !fields[want] {
			t.Errorf("nothing about %s in %v", want, fields)
		}
	}
}

func hosts(t *testing.T) *tokenstore.Provider {
	t.Helper()
	c := goodConfig()
	c.Hosts = []tokenstore.HostConfig{
		{Name: "api", URL: "https://api.example.com"},
		{Name: "content", URL: "https://content.example.com:8443/base/", Paths: []string{"/2/files/upload", "/2/sessions/*"}},
		{Name: "local", URL: "http://127.0.0.1:9000"},
	}
	p, err := tokenstore.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhichHostAPathMeans(t *testing.T) {
	p := hosts(t)
	for path, want := range map[string][2]string{
		"/":                   {"api", "/"},
		"/2/users":            {"api", "/2/users"},
		"/content/2/files/x":  {"content", "/2/files/x"},
		"/content":            {"content", "/"},
		"/content/":           {"content", "/"},
		"/contents/x":         {"api", "/contents/x"},
		"/CONTENT/x":          {"api", "/CONTENT/x"},
		"/2/files/upload":     {"content", "/2/files/upload"},
		"/2/files/upload2":    {"api", "/2/files/upload2"},
		"/2/sessions/start":   {"content", "/2/sessions/start"},
		"/api/content/x":      {"api", "/content/x"},
		"/content%2f2":        {"api", "/content%2f2"},
		"/content/a%2Fb/../c": {"content", "/a%2Fb/../c"},
	} {
		if h, rest := p.HostFor(path); h.Name != want[0] || rest != want[1] {
			t.Errorf("HostFor(%q) = %s, %q, want %s, %q", path, h.Name, rest, want[0], want[1])
		}
	}
	bare, err := tokenstore.NewProvider(goodConfig())
	if err != nil {
		t.Fatal(err)
	}
	if h, rest := bare.HostFor("/x"); h != nil || rest != "/x" {
		t.Errorf("without hosts: %v, %q", h, rest)
	}
}

func TestWhereTheTokenMayGo(t *testing.T) {
	p := hosts(t)
	for _, tc := range []struct {
		scheme, host, path string
		want               bool
	}{
		{"https", "api.example.com", "/", true},
		{"https", "api.example.com", "", true},
		{"https", "api.example.com:443", "/x", true},
		{"https", "API.Example.COM", "/x", true},
		{"https", "api.example.com.", "/x", true},
		{"https", "api.example.com.:443", "/x", true},
		{"http", "api.example.com", "/x", false},
		{"http", "api.example.com:443", "/x", false},
		{"HTTPS", "api.example.com", "/x", false},
		{"https", "api.example.com:80", "/x", false},
		{"https", "api.example.com:8443", "/x", false},
		{"https", "api.example.com.attacker.example", "/x", false},
		{"https", "xapi.example.com", "/x", false},
		{"https", "example.com", "/x", false},
		{"https", "", "/x", false},
		{"https", "user@api.example.com", "/x", false},
		{"https", "api.example.com@attacker.example", "/x", false},
		{"https", "api.example.com:443@attacker.example", "/x", false},
		{"https", "api.example.com:443:443", "/x", false},
		{"https", "content.example.com:8443", "/base", true},
		{"https", "content.example.com:8443", "/base/x", true},
		{"https", "content.example.com:8443", "/base2", false},
		{"https", "content.example.com:8443", "/BASE/x", false},
		{"https", "content.example.com:8443", "/", false},
		{"https", "content.example.com:8443", "", false},
		{"https", "content.example.com", "/base/x", false},
		{"http", "127.0.0.1:9000", "/x", true},
		{"http", "127.0.0.1", "/x", false},
		{"http", "127.0.0.1:90000", "/x", false},
		{"https", "127.0.0.1:9000", "/x", false},
	} {
		if _, got := p.HostAt(tc.scheme, tc.host, tc.path); got != tc.want {
			t.Errorf("HostAt(%q, %q, %q) = %t", tc.scheme, tc.host, tc.path, got)
		}
	}
}

func TestWhatPassesIsThePresetsAndTheProvidersOwn(t *testing.T) {
	c := goodConfig()
	c.Preset, c.RequestHeaders, c.ResponseHeaders, c.Methods = "dropbox", []string{"X-Acme-*"}, []string{"Set-Cookie"}, []string{"PROPFIND", "GET", "PROPFIND"}
	p, err := tokenstore.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	request, response := p.Headers().RequestFilter(), p.Headers().ResponseFilter()
	for name, want := range map[string]bool{"Dropbox-Api-Arg": true, "X-Acme-Foo": true, "If-Match": true, "Dropbox-Api-Select-User": false, "X-Foo": false} {
		if request.Passes(name) != want {
			t.Errorf("request: %s: passes is %t", name, !want)
		}
	}
	for name, want := range map[string]bool{"Dropbox-Api-Result": true, "Set-Cookie": true, "Etag": true, "X-Acme-Foo": false} {
		if response.Passes(name) != want {
			t.Errorf("response: %s: passes is %t", name, !want)
		}
	}
	if got := strings.Join(p.Methods(), " "); got != "GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND" {
		t.Errorf("methods are %s", got)
	}
}
