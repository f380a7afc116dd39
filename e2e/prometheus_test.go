package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// prometheusQueries are what a person might ask, and the answers after three good refreshes and
// one that failed.
var prometheusQueries = map[string]string{
	`sum(caddy_token_store_refreshes_total{provider="dropbox-demo",result="ok"})`:       "3",
	`sum(caddy_token_store_refreshes_total{provider="dropbox-demo",result!="ok"})`:      "1",
	`sum(caddy_token_store_refresh_duration_seconds_count{provider="dropbox-demo"})`:    "4",
	`sum(caddy_token_store_connections{provider="dropbox-demo",state="needs_consent"})`: "1",
	`count(caddy_token_store_connection_state{provider="dropbox-demo",state="ready"})`:  "3",
	`sum(caddy_token_store_unsaved_tokens)`:                                             "0",
	`count(caddy_token_store_connection_token_expiry_timestamp_seconds > time())`:       "4",
}

func TestPrometheus(t *testing.T) {
	needs(t, "prometheus")
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{})
	c.start(c.caddyfile(dropboxProvider(server), "metrics /metrics"))
	for i := range 3 {
		name := fmt.Sprintf("good-%d", i)
		importGrant(t, c, server, name)
		c.admin(http.MethodPost, "/token_store/connections/dropbox-demo/"+name+"/refresh", nil, http.StatusOK)
	}
	bad := importGrant(t, c, server, "bad")
	server.RevokeFamily(bad.Family)
	if status, _, err := c.tryAdmin(http.MethodPost, "/token_store/connections/dropbox-demo/bad/refresh", nil); err != nil || status < 400 {
		t.Fatalf("refresh of a revoked grant: %d, %v", status, err)
	}

	p := startPrometheus(t, c)
	for query, want := range prometheusQueries {
		var got string
		eventually(t, time.Minute, fmt.Sprintf("%s is not %s", query, want), func() bool {
			var err error
			if got, err = p.query(query); err != nil {
				t.Fatal(err)
			}
			if got != want && got != "" {
				t.Logf("%s is still %s", query, got)
			}
			return got == want
		})
	}
}

// prometheus is a Prometheus server that scrapes a Caddy.
type prometheus struct{ url string }

func startPrometheus(t *testing.T, c *caddyServer) prometheus {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`{"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": [
		{"job_name": "caddy", "static_configs": [{"targets": ["127.0.0.1:%d"]}]}]}`, c.port)
	file := filepath.Join(dir, "prometheus.yml") // JSON is YAML too
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + strconv.Itoa(freePort(t))
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		http.DefaultClient.CloseIdleConnections()
	})
	p := prometheus{url: "http://" + address}
	eventually(t, time.Minute, "Prometheus is not ready", func() bool {
		resp, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// query returns the one value that a query has, "" if it has none yet.
func (p prometheus) query(promQL string) (string, error) {
	resp, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(promQL))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	switch n := len(answer.Data.Result); {
	case answer.Status != "success" || n > 1:
		return "", fmt.Errorf("%s: %s: %s, %d results", promQL, answer.Status, answer.Error, n)
	case n == 0:
		return "", nil
	}
	return answer.Data.Result[0].Value[1].(string), nil
}
