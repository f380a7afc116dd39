package standin_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// object is a JSON object of an answer.
type object = map[string]any

// call posts to a URL with a bearer, if it is not empty.
func call(t *testing.T, s *standin.Server, target, bearer string, header map[string]string, content string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// rpc calls the API host with arguments in the body.
func rpc(t *testing.T, s *standin.Server, bearer, route, arg string) (int, object) {
	t.Helper()
	resp := call(t, s, s.APIURL()+"/2/"+route, bearer, map[string]string{"Content-Type": "application/json"}, arg)
	return resp.StatusCode, decode(t, resp)
}

// send calls the content host with arguments in the header.
func send(t *testing.T, s *standin.Server, bearer, route, arg, content string) (int, object) {
	t.Helper()
	resp := call(t, s, s.ContentURL()+"/2/"+route, bearer, map[string]string{
		"Content-Type": "application/octet-stream", "Dropbox-API-Arg": arg,
	}, content)
	return resp.StatusCode, decode(t, resp)
}

// decode reads a JSON answer; a text becomes the member text.
func decode(t *testing.T, resp *http.Response) object {
	t.Helper()
	text := body(t, resp)
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		return object{"text": text}
	}
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return o
}

func TestBearersThatDoNotDo(t *testing.T) {
	c := newClock()
	s := start(t, standin.Options{Now: c.Now})
	expired := issue(t, s).AccessToken
	c.Advance(standin.DefaultAccessLifetime)
	good := issue(t, s).AccessToken
	narrow := issue(t, s, "files.content.write").AccessToken
	gone := issue(t, s)
	s.RevokeFamily(gone.Family)
	tests := []struct{ name, authorization, route, want string }{
		{"no bearer", "", "users/get_current_account", "invalid_access_token/.."},
		{"an unknown token", "Bearer x", "users/get_current_account", "invalid_access_token/.."},
		{"another scheme", "Basic " + good, "users/get_current_account", "invalid_access_token/.."},
		{"an expired token", "Bearer " + expired, "users/get_current_account", "expired_access_token/.."},
		{"a token of a revoked family", "Bearer " + gone.AccessToken, "users/get_current_account", "invalid_access_token/.."},
		{"a good token", "bearer " + good, "users/get_current_account", ""},
		{"a scope that writes also lists", "Bearer " + narrow, "files/list_folder", ""},
		{"a scope that writes does not read", "Bearer " + narrow, "files/download", "missing_scope/.."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := s.APIURL()
			if tt.route == "files/download" {
				base = s.ContentURL()
			}
			header := map[string]string{"Content-Type": "application/json"}
			if tt.authorization != "" {
				header["Authorization"] = tt.authorization
			}
			resp := call(t, s, base+"/2/"+tt.route, "", header, `{"path":""}`)
			got := decode(t, resp)
			summary, _ := got["error_summary"].(string)
			if summary != tt.want || (tt.want == "") != (resp.StatusCode == http.StatusOK) {
				t.Fatalf("%d %v, want %q", resp.StatusCode, got, tt.want)
			}
			if tt.want == "" {
				return
			}
			fail := got["error"].(object)
			if resp.StatusCode != http.StatusUnauthorized || fail[".tag"].(string)+"/.." != tt.want {
				t.Errorf("%d %v", resp.StatusCode, got)
			}
		})
	}
}

func TestTwoAuthorizationHeadersAreBadInput(t *testing.T) {
	s := start(t, standin.Options{})
	req, err := http.NewRequest(http.MethodPost, s.APIURL()+"/2/users/get_current_account", nil)
	if err != nil {
		t.Fatal(err)
	}
	token := "Bearer " + issue(t, s).AccessToken
	req.Header["Authorization"] = []string{token, token}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if text := body(t, resp); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

func TestAccessTokensCanBeExpiredAndRevoked(t *testing.T) {
	s := start(t, standin.Options{})
	for _, tt := range []struct {
		act  func()
		want string
	}{{s.ExpireAccessTokens, "expired_access_token/.."}, {s.RevokeAccessTokens, "invalid_access_token/.."}} {
		g := issue(t, s)
		tt.act()
		if _, got := rpc(t, s, g.AccessToken, "users/get_current_account", "null"); got["error_summary"] != tt.want {
			t.Errorf("%v, want %s", got, tt.want)
		}
		if _, code := refresh(t, s, g.RefreshToken); code != "" {
			t.Errorf("the refresh token gives %q", code)
		}
	}
}

func TestAnyPageMayReadTheAPI(t *testing.T) {
	for _, off := range []bool{false, true} {
		s := start(t, standin.Options{NoCORS: off})
		resp := call(t, s, s.APIURL()+"/2/users/get_current_account", "", nil, "")
		body(t, resp)
		if got := resp.Header.Get("Access-Control-Allow-Origin") == "*"; got == off {
			t.Errorf("allowed %t with NoCORS %t", got, off)
		}
		req, err := http.NewRequest(http.MethodOptions, s.ContentURL()+"/2/files/upload", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Access-Control-Request-Headers", "authorization,dropbox-api-arg")
		preflight, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body(t, preflight)
		if got := preflight.Header.Get("Access-Control-Allow-Headers") == "authorization,dropbox-api-arg"; got == off {
			t.Errorf("preflight allowed %t with NoCORS %t", got, off)
		}
	}
}

func TestFilesComeBackAsTheyWent(t *testing.T) {
	names := []struct{ name, arg, path string }{
		{"in plain UTF-8", `{"path":"/Ordner/größe 日本😀.txt"}`, "/Ordner/größe 日本😀.txt"},
		{"with escapes", `{"path":"/Ordner/gr\u00f6\u00dfe \u65e5\u672c\ud83d\ude00.txt"}`, "/Ordner/größe 日本😀.txt"},
		{"with a DEL", `{"path":"/a\u007fb"}`, "/a\x7fb"},
	}
	for _, tt := range names {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, standin.Options{})
			token := issue(t, s).AccessToken
			status, up := send(t, s, token, "files/upload", tt.arg, "content")
			if status != http.StatusOK || up["path_display"] != tt.path || up["path_lower"] != strings.ToLower(tt.path) {
				t.Fatalf("%d %v", status, up)
			}
			resp := call(t, s, s.ContentURL()+"/2/files/download", token, map[string]string{"Dropbox-API-Arg": tt.arg}, "")
			if text := body(t, resp); text != "content" || resp.StatusCode != http.StatusOK {
				t.Fatalf("%d %q", resp.StatusCode, text)
			}
			result := resp.Header.Get("Dropbox-API-Result")
			if strings.ContainsFunc(result, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
				t.Errorf("header %q is not plain ASCII", result)
			}
			var meta object
			if err := json.Unmarshal([]byte(result), &meta); err != nil || meta["path_display"] != tt.path {
				t.Errorf("header %s: %v", result, err)
			}
			if meta["content_hash"] != standin.ContentHash([]byte("content")) || meta["rev"] != up["rev"] || meta["size"] != 7.0 {
				t.Errorf("metadata %v", meta)
			}
		})
	}
}

func TestContentHashOfKnownContent(t *testing.T) {
	// SHA-256 of nothing, and of the sums of the blocks, computed elsewhere.
	tests := []struct {
		name, want string
		data       []byte
	}{
		{"nothing", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", nil},
		{"one block", "c4eec85eb66b79b8f59ff76a97d5d97aac1b5eca8c6675b4e988a5deea786e53", []byte("content")},
		{"two blocks", "656e7e27f7d0459e319264cdccb61f6667e8e964f8e763c332f35d36ee1cb924", bytes.Repeat([]byte("x"), 4<<20+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := standin.ContentHash(tt.data); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRangesOfADownload(t *testing.T) {
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	send(t, s, token, "files/upload", `{"path":"/f"}`, "0123456789")
	tests := []struct {
		name, rang, want string
		status           int
	}{
		{"the middle", "bytes=2-4", "234", 206},
		{"the end", "bytes=-3", "789", 206},
		{"beyond", "bytes=20-", "", 416},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := call(t, s, s.ContentURL()+"/2/files/download", token, map[string]string{"Dropbox-API-Arg": `{"path":"/f"}`, "Range": tt.rang}, "")
			got := body(t, resp)
			if resp.StatusCode != tt.status || tt.status == 206 && got != tt.want {
				t.Errorf("%d %q", resp.StatusCode, got)
			}
		})
	}
}

func TestWritesThatMeetSomething(t *testing.T) {
	tests := []struct {
		name, arg, content string
		path, want         string // path_display, or the summary of the error
	}{
		{"a new path is taken", `{"path":"/new/x"}`, "1", "/new/x", ""},
		{"add meets a file", `{"path":"/f.txt"}`, "new", "", "path/conflict/file/.."},
		{"add meets a file in other case", `{"path":"/F.TXT"}`, "new", "", "path/conflict/file/.."},
		{"add of the same content is no conflict", `{"path":"/f.txt"}`, "old", "/f.txt", ""},
		{"strict add of the same content is one", `{"path":"/f.txt","strict_conflict":true}`, "old", "", "path/conflict/file/.."},
		{"add with autorename makes way", `{"path":"/f.txt","autorename":true}`, "new", "/f (1).txt", ""},
		{"overwrite as a string", `{"path":"/f.txt","mode":"overwrite"}`, "new", "/f.txt", ""},
		{"overwrite as a union", `{"path":"/f.txt","mode":{".tag":"overwrite"}}`, "new", "/f.txt", ""},
		{"update of the right revision", `{"path":"/f.txt","mode":{".tag":"update","update":"REV"}}`, "new", "/f.txt", ""},
		{"update of another revision", `{"path":"/f.txt","mode":{".tag":"update","update":"123456789"}}`, "new", "", "path/conflict/file/.."},
		{"overwrite meets a folder", `{"path":"/dir","mode":"overwrite"}`, "new", "", "path/conflict/folder/.."},
		{"a file is no folder", `{"path":"/f.txt/x"}`, "new", "", "path/conflict/file_ancestor/.."},
		{"a path with ..", `{"path":"/a/../b"}`, "new", "", "path/malformed_path/.."},
		{"a path with an empty name", `{"path":"/a//b"}`, "new", "", "path/malformed_path/.."},
		{"a wrong hash", `{"path":"/g","content_hash":"00"}`, "new", "", "content_hash_mismatch/.."},
		{"too much content", `{"path":"/g"}`, strings.Repeat("x", 1000), "", "path/insufficient_space/.."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, standin.Options{MaxBytes: 100})
			token := issue(t, s).AccessToken
			_, f := send(t, s, token, "files/upload", `{"path":"/f.txt"}`, "old")
			send(t, s, token, "files/upload", `{"path":"/dir/x"}`, "old")
			arg := strings.ReplaceAll(tt.arg, "REV", f["rev"].(string))
			status, got := send(t, s, token, "files/upload", arg, tt.content)
			if tt.want != "" {
				if status != http.StatusConflict || got["error_summary"] != tt.want {
					t.Errorf("%d %v, want %s", status, got, tt.want)
				}
				return
			}
			if status != http.StatusOK || got["path_display"] != tt.path {
				t.Errorf("%d %v, want %s", status, got, tt.path)
			}
		})
	}
}

func TestBadInputIsAnsweredAsText(t *testing.T) {
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	tests := []struct{ name, route, arg string }{
		{"no arguments", "files/upload", ""},
		{"no JSON", "files/upload", "{"},
		{"bytes that are not UTF-8", "files/upload", "{\"path\":\"/\xff\"}"},
		{"a path without slash", "files/upload", `{"path":"x"}`},
		{"the root as a file", "files/upload", `{"path":"/"}`},
		{"an unknown mode", "files/upload", `{"path":"/x","mode":"append"}`},
		{"a malformed time", "files/upload", `{"path":"/x","client_modified":"today"}`},
		{"a download of nothing", "files/download", `{"path":""}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if status, got := send(t, s, token, tt.route, tt.arg, "x"); status != http.StatusBadRequest || got["text"] == nil {
				t.Errorf("%d %v", status, got)
			}
		})
	}
	for _, arg := range []string{`{"limit":2001,"path":""}`, `{"limit":-1,"path":""}`, "nonsense", `{"path":"x"}`} {
		if status, got := rpc(t, s, token, "files/list_folder", arg); status != http.StatusBadRequest || got["text"] == nil {
			t.Errorf("list_folder %s: %d %v", arg, status, got)
		}
	}
}

func TestRevisionsTimesAndBytesAreKept(t *testing.T) {
	c := newClock()
	s := start(t, standin.Options{Now: c.Now, MaxBytes: 10})
	token := issue(t, s).AccessToken
	_, first := send(t, s, token, "files/upload", `{"path":"/f","client_modified":"2001-02-03T04:05:06Z"}`, "0123456789")
	if first["client_modified"] != "2001-02-03T04:05:06Z" || first["server_modified"] != c.now.Format(time.RFC3339) {
		t.Errorf("times %v %v", first["client_modified"], first["server_modified"])
	}
	if _, full := send(t, s, token, "files/upload", `{"path":"/g"}`, "x"); full["error_summary"] != "path/insufficient_space/.." {
		t.Errorf("%v", full)
	}
	rpc(t, s, token, "files/delete_v2", `{"path":"/f"}`)
	for range 3 {
		// Neither a refused write nor a repeated one may use up room.
		send(t, s, token, "files/upload", `{"path":"/f"}`, "01234")
		send(t, s, token, "files/upload", `{"path":"/f"}`, "abc")
	}
	status, second := send(t, s, token, "files/upload", `{"path":"/f","mode":"overwrite"}`, "abcde")
	if status != http.StatusOK || second["rev"] == first["rev"] {
		t.Errorf("%d %v", status, second)
	}
}

func TestEveryAccountHasFilesOfItsOwn(t *testing.T) {
	bob := standin.Account{ID: "dbid:bob", Email: "bob@example.com"}
	s := start(t, standin.Options{Accounts: []standin.Account{{ID: "dbid:ada", Name: "Ada"}, bob}})
	ada := issue(t, s).AccessToken
	send(t, s, ada, "files/upload", `{"path":"/secret"}`, "x")
	page, err := s.Client().Get(config(s).AuthCodeURL("") + "&login_hint=bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := standin.Submit(t.Context(), stopping(s), page, standin.Button{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := config(s).Exchange(with(t, s), landed(t, resp).Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	if _, got := rpc(t, s, token.AccessToken, "files/get_metadata", `{"path":"/secret"}`); got["error_summary"] != "path/not_found/.." {
		t.Errorf("%v", got)
	}
	if _, got := rpc(t, s, token.AccessToken, "users/get_current_account", "null"); got["account_id"] != bob.ID {
		t.Errorf("%v", got)
	}
}
