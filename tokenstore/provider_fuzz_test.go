package tokenstore

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// Whatever URLs and durations a configuration has, they are refused each with the name of the setting, or no secret
// goes where it can be read on the way, and no time is one that nobody can mean.
func FuzzAProviderIsRefusedOrSafe(f *testing.F) {
	f.Add("https://as.example/token", "https://api.example/v2", int64(time.Minute), int64(time.Hour), 4, 20.0)
	f.Add("http://localhost:8080/token", "http://[::1]/", int64(-1), int64(0), 0, 0.5)
	f.Add("http://as.example/", "https://user:canary@api.example", int64(1)<<62, int64(1), -3, -1.0)
	f.Add("https://as.example/#x", "https://api.example/?a=b", int64(0), int64(-1)<<63, 1001, 1e300)
	f.Add("//as.example", "https:opaque", int64(7), int64(7), 1, 0.0)
	f.Add("https://as.example:/\x00", "https://[::1%25eth0]/%zz", int64(7), int64(7), 1, 1e-300)
	f.Fuzz(func(t *testing.T, token, host string, lead, assume int64, concurrent int, perSecond float64) {
		p, err := NewProvider(ProviderConfig{
			Name: "p", ClientID: "c", ClientSecret: secret.New("canary-client-secret"),
			AuthorizeURL: "https://as.example/authorize", TokenURL: token,
			Hosts: []HostConfig{{Name: "h", URL: host}},
			Lead:  time.Duration(lead), AssumeTTL: time.Duration(assume), MaxConcurrent: concurrent, MaxPerSecond: perSecond,
		})
		if err != nil {
			checkProblems(t, err)
			return
		}
		checkURLs(t, token, p.hosts[0])
		const centuries = 100 * 365 * 24 * time.Hour
		if p.lead <= 0 || p.lead > centuries || p.assumeTTL < 0 || p.assumeTTL > centuries || p.maxConcurrent < 1 {
			t.Errorf("lead %s, assume_ttl %s, max_concurrent %d", p.lead, p.assumeTTL, p.maxConcurrent)
		}
		if newPace(p, new(breaker)).window.wait(time.Now(), 0) != 0 {
			t.Error("the first call has to wait")
		}
	})
}

// checkProblems wants each problem to name a setting of the five, and none to show the secret.
func checkProblems(t *testing.T, err error) {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T is not a list of problems: %v", err, err)
	}
	for _, err := range joined.Unwrap() {
		problem, ok := errors.AsType[*ConfigError](err)
		if !ok || problem.Problem == "" || strings.Contains(err.Error(), "canary-client-secret") {
			t.Fatalf("%T: %v", err, err)
		}
		switch problem.Field {
		case "token_url", "host", "lead", "assume_ttl", "max_concurrent", "max_per_second":
		default:
			t.Errorf("a problem of %s: %v", problem.Field, err)
		}
	}
}

// checkURLs wants URLs that were accepted to be such that secrets are safe on the way to them.
func checkURLs(t *testing.T, token string, h Host) {
	t.Helper()
	at, err := url.Parse(token)
	if err != nil {
		t.Fatalf("%q was accepted: %v", token, err)
	}
	for _, u := range []*url.URL{at, h.URL} {
		local := u.Hostname() == "::1" || strings.EqualFold(u.Hostname(), "localhost") || strings.HasPrefix(u.Hostname(), "127.")
		if u.Scheme != "https" && (u.Scheme != "http" || !local) || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
			t.Errorf("%q was accepted", u)
		}
	}
	if h.URL.RawQuery != "" || strings.HasSuffix(h.URL.EscapedPath(), "/") {
		t.Errorf("the host %q was accepted", h.URL)
	}
}
