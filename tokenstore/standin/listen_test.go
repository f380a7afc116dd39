package standin_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestStartingTwiceIsRefused(t *testing.T) {
	s := start(t, standin.Options{})
	if err := s.Start(); !errors.Is(err, standin.ErrStarted) {
		t.Errorf("error %v", err)
	}
}

func TestAClosedServerDoesNotStartAgain(t *testing.T) {
	s := standin.New(standin.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); !errors.Is(err, standin.ErrStarted) {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestAnAddressThatIsTakenStopsTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := standin.New(standin.Options{ContentAddr: taken.Addr().String()})
	err = s.Start()
	if err == nil || !strings.Contains(err.Error(), standin.PartContent) {
		t.Errorf("error %v", err)
	}
	if resp, err := http.Get(s.OAuthURL() + "/.well-known/oauth-authorization-server"); err == nil {
		resp.Body.Close()
		t.Error("the other parts listen on")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAHandlerOfAClosedServerAborts(t *testing.T) {
	s := standin.New(standin.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this
			t.Errorf("recovered %v", got)
		}
	}()
	s.API().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
}

func TestHandlersWorkInAServerOfOnesOwn(t *testing.T) {
	s := standin.New(standin.Options{Clients: []standin.Client{demo()}})
	defer s.Close()
	tls := httptest.NewTLSServer(s.OAuth())
	defer tls.Close()
	g := issue(t, s)
	resp, err := tls.Client().PostForm(tls.URL+"/oauth2/token", refreshForm(g))
	if err != nil {
		t.Fatal(err)
	}
	if code := errorCode(t, resp); code != "" {
		t.Errorf("error %q", code)
	}
	resp, err = tls.Client().Get(tls.URL + "/.well-known/oauth-authorization-server")
	if err != nil {
		t.Fatal(err)
	}
	if text := body(t, resp); !strings.Contains(text, `"issuer":"`+tls.URL+`"`) {
		t.Errorf("metadata %s", text)
	}
	s.Script(standin.Fault{Cut: true, Reset: true, CutAfter: 5})
	if resp, err := tls.Client().PostForm(tls.URL+"/oauth2/token", refreshForm(g)); err == nil {
		resp.Body.Close()
		t.Error("the connection was not cut")
	}
}

func TestACutWithoutHTTP1IsAnAbort(t *testing.T) {
	s := standin.New(standin.Options{})
	s.Script(standin.Fault{Cut: true})
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this
			t.Errorf("recovered %v", got)
		}
	}()
	s.OAuth().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/oauth2/token", nil))
}

func TestInMemoryOnlyTheOwnClientReachesIt(t *testing.T) {
	s := start(t, standin.Options{InMemory: true})
	if _, code := refresh(t, s, issue(t, s).RefreshToken); code != "" {
		t.Error(code)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	resp, err := s.Client().Get(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	body(t, resp)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client().Get(s.OAuthURL()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

func TestIssuingToNobodyIsRefused(t *testing.T) {
	s := start(t, standin.Options{Scopes: []string{"a"}})
	if _, err := s.IssueGrant("nobody"); !errors.Is(err, standin.ErrUnknownClient) {
		t.Errorf("error %v", err)
	}
	if _, err := s.IssueGrant("demo", "b"); !errors.Is(err, standin.ErrUnknownScope) {
		t.Errorf("error %v", err)
	}
}
