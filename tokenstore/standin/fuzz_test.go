package standin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// FuzzAPIAnswersAnyArgument looks for arguments that make the API panic, fail as
// a server does, or answer with a header that is no header.
func FuzzAPIAnswersAnyArgument(f *testing.F) {
	routes := []string{
		"upload", "download", "upload_session/start", "upload_session/append_v2", "upload_session/finish",
		"list_folder", "list_folder/continue", "get_metadata", "delete_v2",
	}
	for i, arg := range []string{
		`{"path":"/f","mode":{".tag":"update","update":"x"}}`, `{"path":"/é\ud83d\ude00\u007f"}`, `{"session_type":7}`,
		`{"cursor":{"session_id":"x","offset":-1}}`, `{"cursor":null,"commit":{"path":"/"}}`,
		`{"path":"","limit":1,"recursive":true}`, `{"cursor":"eyJmIjoiIiwibCI6MSwidSI6MH0"}`, `{"path":"rev:"}`, `{"path":"/"}`,
	} {
		f.Add(uint8(i), arg, "content")
	}
	f.Fuzz(func(t *testing.T, which uint8, arg, content string) {
		s := standin.New(standin.Options{Clients: []standin.Client{demo()}})
		g, err := s.IssueGrant("demo")
		if err != nil {
			t.Fatal(err)
		}
		route := routes[int(which)%len(routes)]
		handler := s.Content()
		r := httptest.NewRequest(http.MethodPost, "/2/files/"+route, strings.NewReader(content))
		if int(which)%len(routes) >= 5 {
			handler = s.API()
			r = httptest.NewRequest(http.MethodPost, "/2/files/"+route, strings.NewReader(arg))
			r.Header.Set("Content-Type", "application/json")
		}
		r.Header.Set("Dropbox-API-Arg", arg)
		r.Header.Set("Authorization", "Bearer "+g.AccessToken)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusConflict:
		default:
			t.Errorf("%s %q: status %d", route, arg, w.Code)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %q: answer %q", route, arg, w.Body)
		}
	})
}

// FuzzOAuthAnswersAnyForm looks for forms that make the OAuth server panic, or
// send a browser where no client is registered.
func FuzzOAuthAnswersAnyForm(f *testing.F) {
	for _, form := range []string{
		"", "%", "a;b", "grant_type=refresh_token&refresh_token=x", "grant_type=client_credentials&client_id=demo&client_secret=s3cr3t",
		"client_id=demo&redirect_uri=" + url.QueryEscape(callback), "client_id=demo&redirect_uri=//evil.test", "client_id=demo&response_type=code&decision=allow",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, form string) {
		s := standin.New(standin.Options{Clients: []standin.Client{demo()}})
		for _, path := range []string{"/oauth2/authorize", "/oauth2/token", "/oauth2/revoke"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			s.OAuth().ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s %q: status %d", path, form, w.Code)
			}
			if to := w.Header().Get("Location"); to != "" && !strings.HasPrefix(to, callback+"?") {
				t.Errorf("%s %q: sent to %s", path, form, to)
			}
		}
	})
}
