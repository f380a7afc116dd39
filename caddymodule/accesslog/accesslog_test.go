package accesslog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// routes are those that a key may be sent to.
const routes = `
	token_endpoint /token demo/auth
	@skipped path /skipped
	log_skip @skipped
	token_endpoint /skipped demo/auth
	@named path /named
	log_name @named other
	token_endpoint /named demo/auth
	token_proxy /2/* demo/auth
	route /fails {
		token_guard demo/auth
		error "it fails" 503
	}
`

// accessLog is the logger of a site with the directive log.
const accessLog = "http.log.access"

// key is what must not be in a log.
const key = "canary7c1e"

// entries waits until a logger has logged n times, since a request is logged behind its answer, and returns what.
func entries(t *testing.T, s *testcaddy.Server, logger string, n int) []map[string]any {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		found := logged(t, s, logger)
		if len(found) == n {
			return found
		}
		select {
		case <-deadline:
			t.Fatalf("%s has logged %d times, not %d; the log is\n%s", logger, len(found), n, s.Log())
		case <-tick.C:
		}
	}
}

// logged returns what a logger has logged so far.
func logged(t *testing.T, s *testcaddy.Server, logger string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(s.Log()) {
		var entry map[string]any
		if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &entry) == nil && entry["logger"] == logger {
			found = append(found, entry)
		}
	}
	return found
}

func TestAKeyIsLoggedNowhere(t *testing.T) {
	s := testcaddy.NewSite(t, routes)
	s.Connect("auth")
	for i, tc := range []struct {
		name, path string
		headers    []string
		uri        string // in the access log
	}{
		{"in the query", "/token?subscription-key=" + key + "&min_ttl=1", nil, "/token?REDACTED&min_ttl=1"},
		{"more than once", "/token?subscription-key=" + key + "&subscription-key=" + key, nil, "/token?REDACTED&REDACTED"},
		{"written in another way", "/token?Subscription%2DKEY=" + key, nil, "/token?REDACTED"},
		{"in a header", "/token?min_ttl=2", []string{"Ocp-Apim-Subscription-Key: " + key}, "/token?min_ttl=2"},
		{"in both", "/token?subscription-key=" + key, []string{"Ocp-Apim-Subscription-Key: " + key}, "/token?REDACTED"},
		{"on its way to the API", "/2/users/get_current_account?a=1&subscription-key=" + key, []string{"Ocp-Apim-Subscription-Key: " + key}, "/2/users/get_current_account?a=1&REDACTED"},
		{"of a request that is refused", "/token?subscription-key=" + key + "&r=1", []string{"Origin: https://other.example"}, "/token?REDACTED&r=1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.Get(tc.path, tc.headers...)
			last := entries(t, s.Server, accessLog, i+1)[i]
			request, _ := last["request"].(map[string]any)
			if request["uri"] != tc.uri || last["status"] != float64(a.StatusCode) {
				t.Errorf("the access log has %v", last)
			}
		})
	}
	for _, e := range s.Standin.Journal() {
		if strings.Contains(fmt.Sprint(e), key) {
			t.Errorf("the API has got the key")
		}
	}
	if strings.Contains(s.Log(), key) {
		t.Errorf("the key is in the log")
	}
}

// The operator has asked for the credentials of the site's own users, and not for keys to SaaS accounts.
func TestAKeyIsNotLoggedAsACredential(t *testing.T) {
	s, _, providers, _ := testcaddy.NewAcme(t)
	url := fmt.Sprintf("http://localhost:%d", testcaddy.FreePort(t))
	raw := s.Adapt(providers, url+" {\n\tlog\n\ttoken_endpoint /token robot/one\n}\n")
	raw = bytes.Replace(raw, []byte(`"logs":{"logger_names"`), []byte(`"logs":{"should_log_credentials":true,"logger_names"`), 1)
	if err := caddy.Load(raw, true); err != nil {
		t.Fatal(err)
	}
	for _, credential := range []string{"tsk_" + key, "tsg_" + key, "plain"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+credential)
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	entries(t, s, accessLog, 3)
	if log := s.Log(); strings.Contains(log, key) || !strings.Contains(log, "Bearer plain") {
		t.Errorf("the log is\n%s", log)
	}
}

// Keys get into places where nobody looks for one.
func TestAKeyInAWrongPlaceIsNotLogged(t *testing.T) {
	const key = "tsk_aaaaaaaaaa_canary7c1e"
	s := testcaddy.NewSite(t, routes+`
	route /renamed {
		uri replace renamed token
		token_guard demo/auth
		respond "{http.request.orig_uri} {http.request.orig_uri.query}"
	}
`)
	s.Connect("auth")
	for i, tc := range []struct{ name, path, header string }{
		{"behind a second question mark", "/token??subscription-key=" + key, ""},
		{"in another parameter", "/token?key=" + key, ""},
		{"with brackets", "/token?subscription-key%5B%5D=" + key, ""},
		{"in the path", "/2/" + key + "/x", ""},
		{"in the page's address", "/token?i=1", "Referer: https://app.example.com/?subscription-key=" + key},
		{"in a header that has the right one too", "/token?subscription-key=" + key, "X-Key: " + key},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var headers []string
			if tc.header != "" {
				headers = append(headers, tc.header)
			}
			s.Get(tc.path, headers...)
			entries(t, s.Server, accessLog, i+1)
		})
	}
	if a := s.Get("/renamed?subscription-key=" + key + "&a=1"); a.Text != "/renamed?REDACTED&a=1 REDACTED&a=1" {
		t.Errorf("status %d: %s", a.StatusCode, a.Text)
	}
	for line := range strings.Lines(s.Log()) {
		// At that level, Caddy's own handlers before and behind the route log the address.
		if strings.Contains(line, "canary7c1e") && !strings.Contains(line, `"level":"debug"`) {
			t.Errorf("the key is in the log:\n%s", line)
		}
	}
}

func TestAnErrorIsLoggedWithoutTheKey(t *testing.T) {
	s := testcaddy.NewSite(t, routes)
	s.Connect("auth")
	with := s.Get("/fails?subscription-key=" + key)
	without := s.Get("/fails?other=1")
	if with.StatusCode != without.StatusCode || with.Text != without.Text {
		t.Errorf("status %d and %q with a key, %d and %q without", with.StatusCode, with.Text, without.StatusCode, without.Text)
	}
	logged := entries(t, s.Server, "http.log.error", 2)
	if diff := cmp.Diff(shape(logged[1]), shape(logged[0])); diff != "" {
		t.Errorf("the entry differs from Caddy's own (-Caddy +ours):\n%s", diff)
	}
	if strings.Contains(s.Log(), key) {
		t.Errorf("the key is in the log")
	}
}

// shape is what an entry of a log has, without the values.
func shape(entry map[string]any) []string {
	var names []string
	for name, value := range entry {
		names = append(names, name)
		if group, ok := value.(map[string]any); ok && name == "request" {
			for inner := range group {
				names = append(names, name+">"+inner)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Who reads the log with a program must find what Caddy has in it.
func TestEntriesAreLikeCaddysOwn(t *testing.T) {
	s := testcaddy.NewSite(t, routes)
	s.Connect("auth")
	s.Get("/token?other=1")
	s.Get("/token?subscription-key=" + key)
	logged := entries(t, s.Server, accessLog, 2)
	if diff := cmp.Diff(shape(logged[0]), shape(logged[1])); diff != "" {
		t.Errorf("the entry differs from Caddy's own (-Caddy +ours):\n%s", diff)
	}
	for _, name := range []string{"level", "msg", "status", "size", "bytes_read", "user_id"} {
		if logged[0][name] != logged[1][name] {
			t.Errorf("%s is %v, and %v with a key", name, logged[0][name], logged[1][name])
		}
	}
}

func TestEntriesHaveTheLevelThatLogLevelSets(t *testing.T) {
	s := testcaddy.NewSite(t, routes+`
	@quiet path /quiet
	vars @quiet log_level debug
	@wrong path /wrong
	vars @wrong log_level panic
	token_endpoint /quiet demo/auth
	token_endpoint /wrong demo/auth
`)
	s.Connect("auth")
	for i, path := range []string{"/quiet", "/wrong", "/token"} {
		s.Get(path + "?other=1")
		s.Get(path + "?subscription-key=" + key)
		logged := entries(t, s.Server, accessLog, 2*i+2)[2*i:]
		want := map[string]string{"/quiet": "debug"}[path]
		if want == "" {
			want = "info"
		}
		if logged[0]["level"] != want || logged[1]["level"] != want {
			t.Errorf("%s: the level is %v, and %v with a key; want %s", path, logged[0]["level"], logged[1]["level"], want)
		}
	}
}

// Of a request that does not come to a route of ours, Caddy logs all, unless it is told what not to.
func TestTheFilterOfTheDocsTakesKeysOutOfOtherEntries(t *testing.T) {
	docs, err := os.ReadFile("../../docs/caddyfile.md")
	if err != nil {
		t.Fatal(err)
	}
	_, filter, found := strings.Cut(string(docs), "\t\tformat filter {")
	filter, _, closed := strings.Cut(filter, "\n\t}\n}\n```")
	if !found || !closed || !strings.Contains(filter, accesslog.KeyParameter) || !strings.Contains(filter, accesslog.KeyHeader) {
		t.Fatalf("the docs have no such filter: %q", filter)
	}
	s, _, providers, _ := testcaddy.NewAcme(t)
	for name, format := range map[string]string{"as it is": "", "with the filter": "format filter {" + filter} {
		port, file := testcaddy.FreePort(t), filepath.Join(t.TempDir(), "access.log")
		s.MustLoad(providers, fmt.Sprintf("http://localhost:%d {\n\tlog {\n\t\toutput file %s {\n\t\t\troll_disabled\n\t\t}\n\t\t%s\n\t}\n\ttoken_endpoint /token robot/one\n\trespond 404\n}\n", port, file, format))
		r, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("http://localhost:%d/tokne?a=1&subscription-key=%s", port, key), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(accesslog.KeyHeader, key)
		r.Close = true
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		s.MustLoad(providers, "") // it has been written when the site has ended
		log, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(log), "/tokne?a=1") {
			t.Fatalf("%s: %v: %s", name, err, log)
		}
		if has := strings.Contains(string(log), key); has != (format == "") {
			t.Errorf("%s: the key is in the log: %t: %s", name, has, log)
		}
	}
}

func TestLogsAreThoseOfTheSite(t *testing.T) {
	s := testcaddy.NewSite(t, routes)
	s.Connect("auth")
	s.Get("/skipped?subscription-key=" + key)
	s.Get("/named?subscription-key=" + key)
	s.Get("/token?subscription-key=" + key)
	entries(t, s.Server, accessLog+".other", 1)
	for _, entry := range entries(t, s.Server, accessLog, 1) {
		if request, _ := entry["request"].(map[string]any); request["uri"] != "/token?REDACTED" {
			t.Errorf("the site's log has %v", entry)
		}
	}
}

func TestASiteWithoutALogHasNone(t *testing.T) {
	s, _, providers, _ := testcaddy.NewAcme(t)
	port := testcaddy.FreePort(t)
	s.MustLoad(providers, fmt.Sprintf("http://localhost:%d {\n\ttoken_endpoint /token robot/one\n}\n", port))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("http://localhost:%d/token?subscription-key=%s", port, key), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if log := s.Log(); res.StatusCode != http.StatusOK || strings.Contains(log, "http.log.access") || strings.Contains(log, key) {
		t.Errorf("status %d, log:\n%s", res.StatusCode, log)
	}
}
