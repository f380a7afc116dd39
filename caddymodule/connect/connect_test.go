package connect_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "github.com/caddy-tokenstore/caddy-tokenstore/caddymodule"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// browser is a person's browser: it keeps cookies, and says where a request comes from.
type browser struct {
	*testcaddy.Site
	client *http.Client
}

func newBrowser(s *testcaddy.Site) *browser {
	s.T.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.T.Fatal(err)
	}
	b := &browser{Site: s, client: s.NewClient()}
	b.client.Jar = jar
	return b
}

// open goes to an address that was typed in.
func (b *browser) open(target string, headers ...string) testcaddy.Reply {
	b.T.Helper()
	return b.Do(b.client, "GET", target, "", append(headers, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate")...)
}

// press sends the form of a page off.
func (b *browser) press(page testcaddy.Reply, headers ...string) testcaddy.Reply {
	b.T.Helper()
	form, err := standin.FirstForm(strings.NewReader(page.Text), page.Request.URL)
	if err != nil {
		b.T.Fatalf("status %d: %v in %s", page.StatusCode, err, page.Text)
	}
	if len(headers) == 0 {
		headers = b.formHeaders(page)
	}
	return b.Do(b.client, form.Method, form.Action.String(), form.Fields.Encode(), append(headers, "Content-Type: application/x-www-form-urlencoded")...)
}

// formHeaders are what a browser says about where a page's form comes from. A page that wants
// no referrer loses its origin too.
func (b *browser) formHeaders(page testcaddy.Reply) []string {
	origin := b.URL("")
	if page.Header.Get("Referrer-Policy") == "no-referrer" {
		origin = "null"
	}
	return []string{"Origin: " + origin, "Sec-Fetch-Site: same-origin"}
}

// begin begins a consent and returns the address at the authorization server.
func (b *browser) begin(path string, headers ...string) string {
	b.T.Helper()
	page := b.open(b.URL(path), headers...)
	to := b.press(page, append(headers, b.formHeaders(page)...)...)
	if to.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to.Header.Get("Location"), b.Standin.OAuthURL()) {
		b.T.Fatalf("status %d to %q: %s", to.StatusCode, to.Header.Get("Location"), to.Text)
	}
	return to.Header.Get("Location")
}

// approve consents at the authorization server and returns the callback's address.
func (b *browser) approve(authorizeURL string) string {
	b.T.Helper()
	return b.decide(authorizeURL, standin.Button{})
}

func (b *browser) decide(authorizeURL string, press standin.Button) string {
	b.T.Helper()
	page, err := b.client.Get(authorizeURL)
	if err != nil {
		b.T.Fatal(err)
	}
	defer page.Body.Close()
	back, err := standin.Submit(b.T.Context(), b.client, page, press, nil)
	if err != nil {
		b.T.Fatal(err)
	}
	defer back.Body.Close()
	location := back.Header.Get("Location")
	if !strings.HasPrefix(location, b.URL("/connect/callback/demo?")) {
		b.T.Fatalf("status %d to %q", back.StatusCode, location)
	}
	return location
}

// cookies returns the names of the site's cookies.
func (b *browser) cookies() (names []string) {
	u, err := url.Parse(b.URL("/"))
	if err != nil {
		b.T.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		names = append(names, c.Name)
	}
	return names
}

// wantPage fails unless a is a page with that status and text, locked up as all of them are.
func wantPage(t *testing.T, a testcaddy.Reply, status int, text string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.Text, text) {
		t.Errorf("status %d, want %d with %q:\n%s", a.StatusCode, status, text, a.Text)
	}
	got := map[string]string{}
	for _, name := range []string{"Cache-Control", "Referrer-Policy", "X-Frame-Options", "X-Content-Type-Options", "Content-Type"} {
		got[name] = a.Header.Get(name)
	}
	referrer := "no-referrer"
	if strings.Contains(a.Text, "<form") {
		referrer = "strict-origin"
	}
	want := map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": referrer, "X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	policy := a.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q without %s", policy, part)
		}
	}
}

func TestConsentInABrowserOfThisMachine(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	b := newBrowser(s)
	page := b.open(s.URL("/connect/demo/auth"))
	wantPage(t, page, http.StatusOK, "demo/auth")
	for _, part := range []string{"files.metadata.read", "account_info.read", s.Standin.OAuthURL(), s.URL("")} {
		if !strings.Contains(page.Text, part) {
			t.Errorf("the page does not tell %q", part)
		}
	}
	if policy := page.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self' https: "+s.Standin.OAuthURL()) {
		t.Errorf("policy %q", policy)
	}
	if len(b.cookies()) != 0 || len(s.Standin.Journal()) != 0 {
		t.Error("looking at the page begins something")
	}

	callback := b.approve(b.begin("/connect/demo/auth"))
	if got := b.cookies(); len(got) != 1 || !strings.HasPrefix(got[0], "token_store_") {
		t.Errorf("cookies %q", got)
	}
	wantPage(t, b.open(callback), http.StatusOK, "demo/auth")
	if got := b.cookies(); len(got) != 0 {
		t.Errorf("cookies %q are left", got)
	}
	if a := s.Get("/token"); a.StatusCode != http.StatusOK {
		t.Errorf("no token: %s", a.Text)
	}
	wantPage(t, b.open(callback), http.StatusForbidden, "Not the browser that began")

	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{u.Query().Get("code"), u.Query().Get("state")} {
		if secret == "" || strings.Contains(s.Log(), secret) {
			t.Errorf("%q of the callback is in the log", secret)
		}
	}
	if !strings.Contains(s.Log(), "consent finished") {
		t.Error("the log does not tell of the consent")
	}
}

func TestSeveralConsentsAtOnce(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	b := newBrowser(s)
	first, second := b.begin("/connect/demo/one?return_to=/app%3Fa=b"), b.begin("/connect/demo/two")
	if got := b.cookies(); len(got) != 2 || got[0] == got[1] {
		t.Fatalf("cookies %q", got)
	}
	wantPage(t, b.open(b.approve(second)), http.StatusOK, "demo/two")
	done := b.open(b.approve(first))
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != "/app?a=b" {
		t.Errorf("status %d to %q", done.StatusCode, done.Header.Get("Location"))
	}
}

func TestAConsentBelongsToTheBrowserThatBeganIt(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	attacker, victim := newBrowser(s), newBrowser(s)
	callback := attacker.approve(attacker.begin("/connect/demo/auth"))

	wantPage(t, victim.open(callback), http.StatusForbidden, "Not the browser that began")
	// A cookie of another consent does not help, whatever it is called.
	victim.begin("/connect/demo/auth")
	wantPage(t, victim.open(callback), http.StatusForbidden, "Not the browser that began")
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(u.Query().Get("state")))
	cookie := "token_store_" + hex.EncodeToString(sum[:16])
	forged := fmt.Sprintf("Cookie: %s=%s", cookie, strings.Repeat("A", 43))
	wantPage(t, victim.open(callback, forged), http.StatusForbidden, "Not the browser that began")
	s.Get("/token").WantProblem(t, http.StatusConflict, "consent_needed")
	if n := s.Standin.Requests("/oauth2/token"); n != 0 {
		t.Errorf("the code was redeemed: %d requests", n)
	}
	wantPage(t, attacker.open(callback), http.StatusOK, "demo/auth")
}

func TestConsentThatIsDenied(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	b := newBrowser(s)
	callback := b.decide(b.begin("/connect/demo/auth"), standin.Button{Name: "decision", Value: "deny"})
	wantPage(t, b.open(callback), http.StatusForbidden, "No consent was given")
	s.Get("/token").WantProblem(t, http.StatusConflict, "consent_needed")
}

func TestCallbacksThatMakeNoSense(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	for query, status := range map[string]int{
		"":                           400,
		"code=c":                     400,
		"state=s":                    400,
		"state=&code=c":              400,
		"state=s&code=":              400,
		"state=s&code=c&error=e":     400,
		"state=s&state=t&code=c":     400,
		"state=s&code=c&code=d":      400,
		"state=s&error=a&error=b":    400,
		"state=s&code=c&iss=a&iss=b": 400,
		"state=s;code=c":             400,
		"state=%zz&code=c":           400,
		"state=s&code=" + strings.Repeat("c", 5000):      400,
		"state=" + strings.Repeat("s", 5000) + "&code=c": 400,
		"state=s&code=c":                  403,
		"state=s&error=access_denied":     403,
		"state=s&code=c&unknown=&unknown": 403,
	} {
		t.Run(fmt.Sprintf("%.40q", query), func(t *testing.T) {
			a := newBrowser(s).open(s.URL("/connect/callback/demo?" + query))
			wantPage(t, a, status, "")
			if strings.Contains(s.Log(), query) && query != "" {
				t.Error("the query is in the log")
			}
		})
	}
	// Caddy itself refuses a request line of 100 KiB; it must survive it.
	if a := newBrowser(s).open(s.URL("/connect/callback/demo?state=s&code=" + strings.Repeat("c", 100<<10))); a.StatusCode < 400 {
		t.Errorf("status %d", a.StatusCode)
	}
	wantPage(t, newBrowser(s).open(s.URL("/connect/callback/other?state=s&code=c")), http.StatusNotFound, "does not have")
	wantPage(t, newBrowser(s).open(s.URL("/connect/other/auth")), http.StatusNotFound, "does not have")
	wantPage(t, newBrowser(s).open(s.URL("/connect/demo/auth")), http.StatusOK, s.URL("/connect/callback/demo"))
	wantPage(t, newBrowser(s).open(s.URL("/connect/demo")), http.StatusNotFound, "/connect/provider/connection")
	b := newBrowser(s)
	wantPage(t, b.Do(b.client, "POST", s.URL("/connect/callback/demo?state=s&code=c"), ""), http.StatusMethodNotAllowed, "")
}

// The redirect URI of one provider must not take the code of another (mix-up).
func TestCodeAtAnotherProvidersRedirectURI(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	b := newBrowser(s)
	callback := b.approve(b.begin("/connect/demo/auth"))
	wantPage(t, b.open(strings.Replace(callback, "/callback/demo", "/callback/machine", 1)), http.StatusBadRequest, "No longer valid")
	if n := s.Standin.Requests("/oauth2/token"); n != 0 {
		t.Errorf("the code was redeemed: %d requests", n)
	}
}

func TestWhoMayBegin(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	b := newBrowser(s)
	page := b.open(s.URL("/connect/demo/auth"))
	self := s.URL("")
	for name, headers := range map[string][]string{
		"another site's form":               {"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"},
		"a sandboxed form":                  {"Origin: null"},
		"another port's form":               {"Origin: http://localhost:1", "Sec-Fetch-Site: same-site"},
		"a form that names two origins":     {"Origin: " + self, "Origin: https://evil.example"},
		"a browser that contradicts itself": {"Origin: " + self, "Sec-Fetch-Site: cross-site"},
		"a program":                         {"User-Agent: curl/8"},
	} {
		t.Run("not "+name, func(t *testing.T) {
			wantPage(t, b.press(page, headers...), http.StatusForbidden, "Not from here")
		})
	}
	t.Run("not from elsewhere without a login link", func(t *testing.T) {
		elsewhere := "X-Forwarded-For: 192.0.2.7"
		wantPage(t, b.open(s.URL("/connect/demo/auth"), elsewhere), http.StatusForbidden, "caddy token-store connect demo/auth")
		wantPage(t, b.press(page, "Origin: "+self, "Sec-Fetch-Site: same-origin", elsewhere), http.StatusForbidden, "caddy token-store connect demo/auth")
	})
	if len(b.cookies()) != 0 {
		t.Errorf("cookies %q", b.cookies())
	}
}

func TestNobodyBeginsWithoutALoginLinkWhereItIsDemanded(t *testing.T) {
	for name, options := range map[string]string{
		"by allow ticket":                 "allow ticket",
		"by a public_url, behind a proxy": "public_url https://tokens.example.com",
	} {
		t.Run(name, func(t *testing.T) {
			s := testcaddy.NewSite(t, "token_connect {\n"+options+"\n}")
			wantPage(t, newBrowser(s).open(s.URL("/connect/demo/auth")), http.StatusForbidden, "caddy token-store connect demo/auth")
		})
	}
}

func TestLoginLink(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	store, err := s.App().Store()
	if err != nil {
		t.Fatal(err)
	}
	const elsewhere = "X-Forwarded-For: 192.0.2.7"
	ticket, _, err := store.IssueTicket(t.Context(), tokenstore.ID{Provider: "demo", Name: "auth"})
	if err != nil {
		t.Fatal(err)
	}
	link := "/connect/demo/auth?ticket=" + ticket
	b := newBrowser(s)
	wantPage(t, b.open(s.URL("/connect/demo/other?ticket="+ticket), elsewhere), http.StatusBadRequest, "No longer valid")
	wantPage(t, b.open(s.URL("/connect/demo/auth?ticket=wrong"), elsewhere), http.StatusBadRequest, "No longer valid")
	for range 2 { // looking does not use it up: link previews do that
		wantPage(t, b.open(s.URL(link), elsewhere), http.StatusOK, "demo/auth")
	}
	callback := b.approve(b.begin(link, elsewhere))
	wantPage(t, b.open(callback, elsewhere), http.StatusOK, "demo/auth")
	wantPage(t, b.open(s.URL(link), elsewhere), http.StatusBadRequest, "No longer valid")
	if strings.Contains(s.Log(), ticket) {
		t.Error("the login link is in the log")
	}
}

func TestConnectPagesThatAreNotThere(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	for path, status := range map[string]int{
		"/connect/":                                    404,
		"/connect/demo":                                404,
		"/connect/demo/":                               404,
		"/connect/nobody/auth":                         404,
		"/connect/demo/a/b":                            404,
		"/connect/demo/a%2Fb":                          404,
		"/connect/demo/%3Cscript%3E":                   404,
		"/connect/callback/":                           404,
		"/connect/machine/auth":                        400,
		"/connect/demo/auth?return_to=//evil":          400,
		"/connect/demo/auth?return_to=/a&return_to=/b": 400,
		"/connect/demo/auth?ticket=a&ticket=b":         400,
	} {
		t.Run(path, func(t *testing.T) {
			wantPage(t, newBrowser(s).open(s.URL(path)), status, "")
		})
	}
	t.Run("over plain http under a name that is not this machine's own", func(t *testing.T) {
		target := fmt.Sprintf("http://tokens.example:%d/connect/demo/auth", s.Port)
		wantPage(t, newBrowser(s).open(target), http.StatusForbidden, "plain http")
	})
	t.Run("with another method", func(t *testing.T) {
		b := newBrowser(s)
		a := b.Do(b.client, "DELETE", s.URL("/connect/demo/auth"), "")
		wantPage(t, a, http.StatusMethodNotAllowed, "")
		if a.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("Allow %q", a.Header.Get("Allow"))
		}
	})
}

// The redirect URI is made from the Host, and authorization servers let any port of localhost
// pass (RFC 8252 section 7.3): the code would go to whoever listens there.
func TestAHostThatNamesAnotherPortBeginsNothing(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	b := newBrowser(s)
	form := b.open(s.URL("/connect/demo/auth"))
	for _, host := range []string{"localhost:1", "localhost"} {
		wantPage(t, b.open(s.URL("/connect/demo/auth"), "Host: "+host), http.StatusMisdirectedRequest, "public_url")
		a := b.press(form, "Host: "+host, "Origin: http://"+host, "Sec-Fetch-Site: same-origin")
		wantPage(t, a, http.StatusMisdirectedRequest, "public_url")
	}
	t.Run("unless public_url says where the site is", func(t *testing.T) {
		s := testcaddy.NewSite(t, "token_connect {\n public_url http://localhost:1\n}")
		wantPage(t, newBrowser(s).open(s.URL("/connect/demo/auth"), "Host: localhost:1"), http.StatusOK, "http://localhost:1")
	})
}

// Anybody can make these up. A line in the log for each would bury the others.
func TestGuessesAreNotWarnedOf(t *testing.T) {
	s := testcaddy.NewSite(t, testcaddy.DemoRoutes)
	b := newBrowser(s)
	guess := strings.Repeat("g", 43)
	wantPage(t, b.open(s.URL("/connect/demo/auth?ticket="+guess)), http.StatusBadRequest, "No longer valid")
	sum := sha256.Sum256([]byte(guess))
	cookie := "Cookie: token_store_" + hex.EncodeToString(sum[:16]) + "=" + guess
	wantPage(t, b.open(s.URL("/connect/callback/demo?code=c&state="+guess), cookie), http.StatusBadRequest, "No longer valid")

	callback := newBrowser(s).approve(newBrowser(s).begin("/connect/demo/auth"))
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	sum = sha256.Sum256([]byte(u.Query().Get("state")))
	cookie = "Cookie: token_store_" + hex.EncodeToString(sum[:16]) + "=" + guess
	wantPage(t, b.open(callback, cookie), http.StatusForbidden, "Not the browser that began")

	denied := b.decide(b.begin("/connect/demo/auth"), standin.Button{Name: "decision", Value: "deny"})
	wantPage(t, b.open(denied), http.StatusForbidden, "No consent was given")

	var levels []string
	for line := range strings.Lines(s.Log()) {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Msg == "consent failed" {
			levels = append(levels, entry.Level)
		}
	}
	if diff := cmp.Diff([]string{"debug", "debug", "debug", "warn"}, levels); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
}
