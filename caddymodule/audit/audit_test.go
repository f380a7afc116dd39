package audit_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// site runs a Caddy whose connections need no consent, and returns its address.
func site(t *testing.T, settings string) (*testcaddy.Server, string) {
	t.Helper()
	s, server, _, _ := testcaddy.NewAcme(t)
	url := fmt.Sprintf("http://localhost:%d", testcaddy.FreePort(t))
	s.MustLoad(fmt.Sprintf("%s\nprovider robot generic {\ngrant client_credentials\nclient_id demo\nclient_secret demo-canary\ntoken_url %s/oauth2/token\nhost api %s\n}",
		settings, server.OAuthURL(), server.APIURL()), fmt.Sprintf(`%s {
			bind 127.0.0.1
			token_endpoint /token robot/one
			handle_path /api/* {
				token_proxy robot/one {
					allow local
					allow origin https://app.example.com
				}
			}
			token_grants /grants/*
			route /guarded {
				token_guard robot/one
				error "broken" 503
			}
		}`, url))
	return s, url
}

// records returns what the log has of the audit, once there are n of them: they are written behind the answers.
func records(t *testing.T, s *testcaddy.Server, n int) []map[string]any {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var found []map[string]any
		for line := range strings.Lines(s.Log()) {
			var entry map[string]any
			if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &entry) == nil && entry["logger"] == "token_store.audit" {
				delete(entry, "ts")
				delete(entry, "logger")
				delete(entry, "host")
				found = append(found, entry)
			}
		}
		if len(found) == n {
			return found
		}
		select {
		case <-deadline:
			t.Fatalf("%d records, not %d; the log is\n%s", len(found), n, s.Log())
		case <-tick.C:
		}
	}
}

func get(t *testing.T, method, url string, headers ...string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestEachUseIsWrittenDown(t *testing.T) {
	s, url := site(t, "audit")
	token := get(t, "GET", url+"/token?min_ttl=1&q=hidden-query")
	get(t, "POST", url+"/api/2/users/get_current_account?q=hidden-query")
	get(t, "POST", url+"/api/2/users/get_current_account", "Origin: https://app.example.com")
	get(t, "GET", url+"/token", "Origin: https://evil.example")
	get(t, "GET", url+"/api/2/%252e%252e/x")
	get(t, "GET", url+"/guarded")
	get(t, "GET", url+"/grants/tsk_aaaaaaaaaa_canary")
	get(t, "OPTIONS", url+"/api/2/x", "Origin: https://app.example.com", "Access-Control-Request-Method: POST") // a preflight is no use

	record := func(more map[string]any) map[string]any {
		all := map[string]any{
			"level": "info", "msg": "connection used", "connection": "robot/one", "as": "forward", "caller": "local", "name": "", "origin": "",
			"remote_ip": "127.0.0.1", "client_ip": "127.0.0.1", "method": "GET", "status": 200.0,
		}
		maps.Copy(all, more)
		return all
	}
	want := []map[string]any{
		record(map[string]any{"as": "endpoint", "path": "/token"}),
		record(map[string]any{"method": "POST", "path": "/2/users/get_current_account"}),
		record(map[string]any{"method": "POST", "path": "/2/users/get_current_account", "caller": "page", "origin": "https://app.example.com"}),
		record(map[string]any{
			"as": "endpoint", "path": "/token", "caller": "", "origin": "https://evil.example",
			"status": 403.0, "level": "warn", "msg": "use refused", "refused": "origin_not_allowed",
		}),
		record(map[string]any{"path": "/2/%252e%252e/x", "status": 400.0, "level": "warn", "msg": "use refused", "refused": "bad_request"}),
		record(map[string]any{"as": "guard", "path": "/guarded", "status": 503.0}),
		record(map[string]any{
			"as": "grant", "path": "/grants/tsk_REDACTED", "connection": "", "caller": "",
			"status": 405.0, "level": "warn", "msg": "use refused", "refused": "method_not_allowed",
		}),
	}
	got := records(t, s, len(want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, secret := range []string{token, "hidden-query"} {
		if text := fmt.Sprint(got); strings.Contains(text, secret) {
			t.Errorf("%q is in the audit", secret)
		}
	}
}

func TestThereIsNoAuditUnlessItIsAskedFor(t *testing.T) {
	s, url := site(t, "")
	get(t, "GET", url+"/token")
	get(t, "GET", url+"/token", "Origin: https://evil.example")
	get(t, "POST", url+"/api/2/users/get_current_account")
	s.Stop() // and with it, all that is still to be written
	records(t, s, 0)
}
