package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestThePageIsServed(t *testing.T) {
	newProject(t)
	t.Setenv("TMPDIR", t.TempDir())
	whileUp(t, nil, func(r *running) {
		resp, body := r.request(http.MethodGet, r.page+"/", "", "", "")
		wantStatus(t, resp, body, http.StatusOK)
		if want := "VITE_API_URL=" + r.api + "/dropbox\n"; !strings.Contains(body, want) {
			t.Errorf("the page was built without %s", want)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none';") || !strings.Contains(policy, "connect-src "+r.api+" ;") {
			t.Errorf("the page may do %s", policy)
		}
		if got := resp.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("the page's Cache-Control is %q", got)
		}
		resp, body = r.request(http.MethodGet, r.page+"/assets/page-0f1e2d.js", "", "", "")
		wantStatus(t, resp, body, http.StatusOK)
		if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("the script's Cache-Control is %q", got)
		}
		resp, body = r.request(http.MethodGet, r.page+"/assets/page-other.js", "", "", "")
		wantStatus(t, resp, body, http.StatusNotFound)
		if got := resp.Header.Get("Cache-Control"); strings.Contains(got, "immutable") {
			t.Errorf("that a file is missing may be kept: %q", got)
		}
		for _, target := range []string{r.api + "/", r.api + "/nothing", r.page + "/nothing"} {
			resp, body = r.request(http.MethodGet, target, "", "", "")
			wantStatus(t, resp, body, http.StatusNotFound)
		}
		found := regexp.MustCompile(`Admin API +(http://localhost:\d+)\n`).FindStringSubmatch(r.out)
		if found == nil {
			t.Fatalf("it does not say where the admin API is:\n%s", r.out)
		}
		resp, body = r.request(http.MethodGet, found[1]+"/token_store/ready", "", "", "")
		wantStatus(t, resp, body, http.StatusOK)
		if !strings.Contains(r.out, "Open "+r.page+"\n") {
			t.Errorf("it does not say what to open:\n%s", r.out)
		}
	})
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "dropbox-upload-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("these stay behind: %q, %v", left, err)
	}
}

const upload = `{"path":"/submissions/1.csv"}`

func TestForward(t *testing.T) {
	newProject(t)
	whileUp(t, []string{"-mode", "forward"}, func(r *running) {
		target := r.api + "/dropbox/2/files/upload"
		resp, body := r.request(http.MethodPost, target, r.page, upload, "a,b")
		wantStatus(t, resp, body, http.StatusConflict)
		if want := `"connect_url":"` + r.api + `/connect/dropbox-demo/auth"`; !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
		r.connect()
		resp, body = r.request(http.MethodPost, target, r.page, upload, "a,b")
		wantStatus(t, resp, body, http.StatusOK)
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != r.page {
			t.Errorf("Access-Control-Allow-Origin is %q", got)
		}
		resp, body = r.request(http.MethodPost, target, "http://evil.example", upload, "a,b")
		wantStatus(t, resp, body, http.StatusForbidden)
		if _, body = r.request(http.MethodGet, r.api+"/dropbox-demo/token", r.page, "", ""); body != "" {
			t.Errorf("a page that needs no token gets one")
		}
	})
}

func TestReturn(t *testing.T) {
	newProject(t)
	whileUp(t, []string{"-mode", "return"}, func(r *running) {
		r.connect()
		resp, token := r.request(http.MethodGet, r.api+"/dropbox-demo/token", r.page, "", "")
		wantStatus(t, resp, token, http.StatusOK)

		resp, page := r.request(http.MethodGet, r.page+"/", "", "", "")
		wantStatus(t, resp, page, http.StatusOK)
		_, rest, ok := strings.Cut(page, "VITE_DROPBOX_CONTENT_URL=")
		content, _, _ := strings.Cut(rest, "\n")
		policy := resp.Header.Get("Content-Security-Policy")
		if !ok || !strings.Contains(policy, " "+content+";") {
			t.Fatalf("the page may not call %q, but %s", content, policy)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, content+"/2/files/upload", strings.NewReader("a,b"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Dropbox-API-Arg", upload)
		req.Header.Set("Content-Type", "application/octet-stream")
		if resp, err = r.client.Do(req); err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		wantStatus(t, resp, "", http.StatusOK)
	})
}

func TestTheRealDropbox(t *testing.T) {
	t.Setenv(clientIDVariable, "my-app")
	t.Setenv(clientSecretVariable, "planted-secret")
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	newProject(t)
	whileUp(t, nil, func(r *running) {
		r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, err := standin.Approve(t.Context(), r.client, r.api+"/connect/dropbox-demo/auth")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		to, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		redirectURI := r.api + "/connect/callback/dropbox-demo"
		if got := to.Scheme + "://" + to.Host + to.Path; got != "https://www.dropbox.com/oauth2/authorize" {
			t.Errorf("the browser is sent to %s", got)
		}
		checkQuery(t, to.Query(), map[string]string{
			"client_id": "my-app", "redirect_uri": redirectURI, "token_access_type": "offline", "code_challenge_method": "S256",
			"scope": "files.metadata.write files.content.write files.content.read",
		})
		for _, want := range []string{redirectURI, filepath.Join(data, "caddy", "dropbox-upload", "tokens.db")} {
			if !strings.Contains(r.out, want) {
				t.Errorf("it does not say %s:\n%s", want, r.out)
			}
		}
	})
	if !exists(filepath.Join(data, "caddy", "dropbox-upload", "tokens.db")) {
		t.Error("the database is not there any more")
	}
}

func checkQuery(t *testing.T, query url.Values, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := query.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestTheSecretIsNoPartOfTheConfiguration(t *testing.T) {
	t.Setenv(clientSecretVariable, "planted-secret")
	s := settings{mode: forward, app: &app{clientID: "my-app"}}
	if env := strings.Join(s.environment(realDropbox(), "", 1), "\n"); strings.Contains(env, "planted-secret") ||
		!strings.Contains(env, "UPLOAD_CLIENT_SECRET={env.DROPBOX_CLIENT_SECRET}") {
		t.Errorf("the Caddyfile is filled in with\n%s", env)
	}
}

func TestItIsInterruptedBeforeItIsUp(t *testing.T) {
	newProject(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, problems strings.Builder
	if status := command(ctx, nil, nothing, &out, &problems); status != statusInterrupted {
		t.Errorf("status %d\n%s%s", status, &out, &problems)
	}
}

func TestItSaysWhyCaddyDoesNotStart(t *testing.T) {
	dir := newProject(t)
	writeFile(t, filepath.Join(dir, "Caddyfile"), "http://localhost {\n\tno_such_directive\n}\n")
	var port, pagePort int
	if err := caddyproc.Ports(&port, &pagePort); err != nil {
		t.Fatal(err)
	}
	var out, problems strings.Builder
	status := command(t.Context(), []string{"-port", fmt.Sprint(port), "-page-port", fmt.Sprint(pagePort)}, nothing, &out, &problems)
	if status != statusFailed {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{"unrecognized directive: no_such_directive", "dropbox-upload: caddy ended: exit status 1"} {
		if !strings.Contains(problems.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &problems)
		}
	}
	if strings.Contains(out.String(), "Open") {
		t.Errorf("it says that all is up:\n%s", &out)
	}
}
