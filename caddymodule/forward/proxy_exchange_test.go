package forward_test

import (
	"context"
	"io"
	"net/http"
	"testing"
)

func TestProxyAttachesTheToken(t *testing.T) { byEither(t, testProxyAttachesTheToken) }

func testProxyAttachesTheToken(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Set-Cookie", "a=1")
		_, _ = io.WriteString(w, "fine")
	})
	p := proxyTo(t, a.host()+"/base", "", by)
	r := p.request("GET", "/2/files?arg=%7B%7D&access_token=client", nil)
	r.Header = http.Header{
		"Authorization":   {"Basic client"},
		"Connection":      {"authorization, x-drop"},
		"X-Drop":          {"1"},
		"Dropbox-API-Arg": {"{\"path\":\"/\u00fcber\"}"}, //nolint:canonicalheader // as Dropbox writes it
	}
	res, body := p.do(r)
	if res.StatusCode != 200 || body != "fine" {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	got := a.requests()[0]
	if auth := got.Header["Authorization"]; len(auth) != 1 || auth[0] != "Bearer "+p.token {
		t.Errorf("%d Authorization headers, and not the token's alone", len(auth))
	}
	if got.URL.RequestURI() != "/base/2/files?arg=%7B%7D" || got.Host != a.address() {
		t.Errorf("the request is for %s%s", got.Host, got.URL.RequestURI())
	}
	if got.Header.Get("Dropbox-Api-Arg") != "{\"path\":\"/\u00fcber\"}" {
		t.Errorf("Dropbox-API-Arg arrived as %q", got.Header.Get("Dropbox-Api-Arg"))
	}
	for _, name := range []string{"Cookie", "X-Drop", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if v, ok := got.Header[name]; ok {
			t.Errorf("%s: %v goes upstream", name, v)
		}
	}
	if res.Header.Get("Set-Cookie") != "" || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the answer has %v", res.Header)
	}
}

func TestBrowsersAreKeptFromTakingAnAnswerForAPage(t *testing.T) {
	byEither(t, testBrowsersAreKeptFromTakingAnAnswerForAPage)
}

func testBrowsersAreKeptFromTakingAnAnswerForAPage(t *testing.T, by string) {
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "<script>")
	})
	p := proxyTo(t, a.host(), "", by+"\nallow local\nallow origin https://app.example.com")
	r := p.request("GET", "/", nil)
	r.Header.Set("Origin", "https://app.example.com")
	if res, _ := p.do(r); res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Content-Security-Policy") != "sandbox" {
		t.Errorf("a browser gets %v", res.Header)
	}
	// A program gets what the API says, and nothing to wonder about.
	res, _ := p.do(p.request("GET", "/", nil))
	for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy"} {
		if v, ok := res.Header[name]; ok {
			t.Errorf("a program gets %s: %v", name, v)
		}
	}
}

func TestClientsWhoLeaveStopNothingElse(t *testing.T) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-r.Context().Done()
			close(gone)
		}
	})
	p := proxyTo(t, a.host(), "", "")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := p.client.RoundTrip(p.request("GET", "/slow", nil).WithContext(ctx)); err == nil {
		t.Error("the client got an answer")
	}
	<-gone
	p.wantGet("/x", 200)
	p.waitForLog(`"status":499`) // not the API's fault
}
