package standin_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// refreshForm is a request for a refresh.
func refreshForm(g standin.Grant) url.Values {
	return url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken},
		"client_id": {"demo"}, "client_secret": {"s3cr3t"},
	}
}

// try sends a refresh on a connection of its own, and returns what came.
func try(t *testing.T, s *standin.Server, g standin.Grant) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{DialContext: s.DialContext, DisableKeepAlives: true, DisableCompression: true}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(s.OAuthURL()+"/oauth2/token", refreshForm(g))
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestAFaultMeetsTheRequestsThatItNames(t *testing.T) {
	const fine, hit = 200, 503
	tests := []struct {
		name   string
		faults []standin.Fault
		want   []int // statuses of refreshes, one after the other
		left   int
	}{
		{"the first only, if nothing is said", []standin.Fault{{}}, []int{hit, fine, fine}, 0},
		{"the third", []standin.Fault{{Skip: 2}}, []int{fine, fine, hit, fine}, 0},
		{"the next two", []standin.Fault{{Times: 2}}, []int{hit, hit, fine}, 0},
		{"always", []standin.Fault{{Times: standin.Always}}, []int{hit, hit, hit}, 1},
		{"the path", []standin.Fault{{Path: "/oauth2/token"}}, []int{hit, fine}, 0},
		{"a pattern of paths", []standin.Fault{{Path: "/oauth2/*"}}, []int{hit, fine}, 0},
		{"another path", []standin.Fault{{Path: "/oauth2/revoke"}}, []int{fine}, 1},
		{"the grant type", []standin.Fault{{GrantType: "refresh_token"}}, []int{hit, fine}, 0},
		{"another grant type", []standin.Fault{{GrantType: "authorization_code"}}, []int{fine}, 1},
		{"the method", []standin.Fault{{Method: "POST"}}, []int{hit, fine}, 0},
		{"another method", []standin.Fault{{Method: "GET"}}, []int{fine}, 1},
		{"one after the other", []standin.Fault{{Status: 500}, {Status: 502}}, []int{500, 502, fine}, 0},
		{"one skips while another hits", []standin.Fault{{Skip: 1, Status: 500}, {Status: 502}}, []int{502, 500, fine}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, standin.Options{InMemory: true})
			g := issue(t, s)
			s.Script(tt.faults...)
			for i, want := range tt.want {
				resp, text, err := try(t, s, g)
				if err != nil || resp.StatusCode != want {
					t.Fatalf("request %d: %v %s, want %d", i+1, err, text, want)
				}
			}
			if got := s.PendingFaults(); got != tt.left {
				t.Errorf("%d faults are left, want %d", got, tt.left)
			}
			s.ClearFaults()
			if resp, _, err := try(t, s, g); err != nil || resp.StatusCode != fine {
				t.Errorf("after clearing: %v", err)
			}
		})
	}
}

func TestAFaultActsBeforeOrAfterTheHandler(t *testing.T) {
	for _, stage := range []standin.Stage{standin.Before, standin.After} {
		s := start(t, standin.Options{Rotation: standin.RotateAlways})
		g := issue(t, s)
		s.Script(standin.Fault{Stage: stage, Status: 500, Body: "oh"})
		resp, text, err := try(t, s, g)
		if err != nil || resp.StatusCode != 500 || text != "oh" {
			t.Fatalf("%v %q", err, text)
		}
		want := map[standin.Stage]standin.RefreshStatus{standin.Before: standin.RefreshLive, standin.After: standin.RefreshSuperseded}[stage]
		if got, _ := s.RefreshStatus(g.RefreshToken); got != want {
			t.Errorf("stage %v: status %v, want %v", stage, got, want)
		}
		if e := s.Journal()[0]; e.Acted != (stage == standin.After) || !e.Faulted || e.Status != 500 {
			t.Errorf("journal says %v", e)
		}
	}
}

func TestWhatAFaultDoesToTheAnswer(t *testing.T) {
	tests := []struct {
		name  string
		fault standin.Fault
		check func(resp *http.Response, text string) bool
	}{
		{"a header is set", standin.Fault{Header: http.Header{"retry-after": {"7"}}}, func(r *http.Response, _ string) bool {
			return r.StatusCode == 503 && r.Header.Get("Retry-After") == "7"
		}},
		{"a header is removed", standin.Fault{Stage: standin.After, Header: http.Header{"Content-Type": nil}}, func(r *http.Response, text string) bool {
			return r.StatusCode == 200 && r.Header.Get("Content-Type") != "application/json" && strings.Contains(text, "access_token")
		}},
		{"the content type is wrong", standin.Fault{Stage: standin.After, ContentType: "text/plain"}, func(r *http.Response, text string) bool {
			return r.Header.Get("Content-Type") == "text/plain" && strings.Contains(text, "access_token")
		}},
		{"the body is verbatim", standin.Fault{Status: 200, Body: "{\x00}"}, func(r *http.Response, text string) bool {
			return r.StatusCode == 200 && text == "{\x00}"
		}},
		{"the body is empty", standin.Fault{Stage: standin.After, NoBody: true}, func(r *http.Response, text string) bool {
			return r.StatusCode == 200 && text == ""
		}},
		{"the body is rewritten", standin.Fault{Stage: standin.After, Rewrite: func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("14400"), []byte(`"14400"`))
		}}, func(_ *http.Response, text string) bool { return strings.Contains(text, `"expires_in":"14400"`) }},
		{"the body is huge", standin.Fault{Stage: standin.After, Size: 3 << 20}, func(r *http.Response, text string) bool {
			return r.ContentLength == 3<<20 && len(text) == 3<<20 && json.Valid([]byte(text))
		}},
		{"a redirect", standin.Fault{Redirect: "http://other.test/x"}, func(r *http.Response, _ string) bool {
			return r.StatusCode == 307 && r.Header.Get("Location") == "http://other.test/x"
		}},
		{"a redirect of another kind", standin.Fault{Redirect: "http://other.test/x", Status: 301}, func(r *http.Response, _ string) bool {
			return r.StatusCode == 301
		}},
		{"HTML", standin.Fault{Status: 502, Garbage: standin.HTML}, func(r *http.Response, text string) bool {
			return r.StatusCode == 502 && strings.HasPrefix(text, "<!doctype") && strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
		}},
		{"half of it", standin.Fault{Stage: standin.After, Garbage: standin.Truncated}, func(r *http.Response, text string) bool {
			return strings.HasPrefix(text, `{"access_token"`) && !json.Valid([]byte(text)) && r.ContentLength == int64(len(text))
		}},
		{"a byte order mark", standin.Fault{Stage: standin.After, Garbage: standin.ByteOrderMark}, func(_ *http.Response, text string) bool {
			return strings.HasPrefix(text, "\xef\xbb\xbf{")
		}},
		{"bytes that are no text", standin.Fault{Garbage: standin.NotUTF8}, func(r *http.Response, text string) bool {
			return text != strings.ToValidUTF8(text, "") && r.Header.Get("Content-Type") == "application/json"
		}},
		{"duplicate keys", standin.Fault{Garbage: standin.DuplicateKeys}, func(_ *http.Response, text string) bool {
			return json.Valid([]byte(text)) && strings.Count(strings.ToLower(text), `"access_token"`) == 2
		}},
		{"deep nesting", standin.Fault{Garbage: standin.DeepNesting}, func(_ *http.Response, text string) bool { return len(text) == 100_000 }},
		{"not a number", standin.Fault{Garbage: standin.NotANumber}, func(_ *http.Response, text string) bool { return strings.Contains(text, "NaN") }},
		{"wrong types", standin.Fault{Garbage: standin.WrongTypes}, func(_ *http.Response, text string) bool { return json.Valid([]byte(text)) }},
		{"null", standin.Fault{Garbage: standin.Null}, func(_ *http.Response, text string) bool { return text == "null" }},
		{"a bomb", standin.Fault{Garbage: standin.GzipBomb}, func(r *http.Response, text string) bool {
			z, err := gzip.NewReader(strings.NewReader(text))
			if err != nil {
				return false
			}
			z.Multistream(false) // the first of 64 alike: unpacking all is slow
			n, err := io.Copy(io.Discard, z)
			return err == nil && n == 1<<20 && strings.Count(text, text[:64]) == 64 && len(text) < 1<<17 && r.Header.Get("Content-Encoding") == "gzip"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, standin.Options{})
			s.Script(tt.fault)
			resp, text, err := try(t, s, issue(t, s))
			if err != nil {
				t.Fatal(err)
			}
			if !tt.check(resp, text) {
				t.Errorf("%d %v %.200q", resp.StatusCode, resp.Header, text)
			}
		})
	}
}

// TestAnAnswerIsCutAtAnyByte cuts the answer of a rotation at every byte. The
// client may learn of the new token only from the whole answer; the server has
// rotated every time.
func TestAnAnswerIsCutAtAnyByte(t *testing.T) {
	s := start(t, standin.Options{Rotation: standin.RotateAlways})
	for n := int64(0); ; n++ {
		g := issue(t, s)
		s.Script(standin.Fault{Stage: standin.After, Cut: true, CutAfter: n, Reset: n%2 == 1})
		_, text, err := try(t, s, g)
		if status, _ := s.RefreshStatus(g.RefreshToken); status != standin.RefreshSuperseded {
			t.Fatalf("cut at %d: status %v", n, status)
		}
		if err == nil && json.Valid([]byte(text)) {
			if n < 300 {
				t.Errorf("the answer was whole after %d bytes", n)
			}
			return
		}
		if err == nil {
			t.Fatalf("cut at %d: no error, %q", n, text)
		}
		if n > 2000 {
			t.Fatal("the answer never gets whole")
		}
	}
}

func TestACutBeforeTheHandlerChangesNothing(t *testing.T) {
	s := start(t, standin.Options{Rotation: standin.RotateAlways, InMemory: true})
	g := issue(t, s)
	s.Script(standin.Fault{Cut: true})
	if _, _, err := try(t, s, g); !errors.Is(err, io.EOF) {
		t.Errorf("error %v", err)
	}
	if status, _ := s.RefreshStatus(g.RefreshToken); status != standin.RefreshLive {
		t.Errorf("status %v", status)
	}
	if e := s.Journal()[0]; e.Status != 0 || e.Acted {
		t.Errorf("journal says %v", e)
	}
}

func TestTimeOfFaults(t *testing.T) {
	tests := []struct {
		name  string
		fault standin.Fault
		took  time.Duration
		want  int
	}{
		{"a mere delay slows the real answer down", standin.Fault{Delay: time.Minute}, time.Minute, 200},
		{"a delay comes before a failure", standin.Fault{Delay: time.Minute, Status: 500}, time.Minute, 500},
		{"a delay comes after the handler", standin.Fault{Delay: time.Minute, Stage: standin.After}, time.Minute, 200},
		{"a drip pauses before each byte", standin.Fault{Drip: time.Second, Status: 200, Body: "1234567890"}, 10 * time.Second, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, standin.Options{InMemory: true})
				s.Script(tt.fault)
				began := time.Now()
				resp, text, err := try(t, s, issue(t, s))
				if err != nil || resp.StatusCode != tt.want || time.Since(began) != tt.took {
					t.Errorf("%v after %v: %.100q", err, time.Since(began), text)
				}
			})
		})
	}
}

func TestFaultsThatLastEndWithTheClientOrTheServer(t *testing.T) {
	faults := map[string]standin.Fault{
		"a delay":                   {Delay: 24 * time.Hour},
		"a delay after the handler": {Delay: 24 * time.Hour, Stage: standin.After},
		"a dripping answer":         {Drip: time.Minute, Endless: true, Status: 200},
		"an endless answer":         {Endless: true, Status: 200},
		"a dripping cut answer":     {Drip: time.Minute, Cut: true, CutAfter: 1 << 40, Size: 1 << 40},
	}
	for name, fault := range faults {
		for _, who := range []string{"client", "server"} {
			t.Run(name+" ends with the "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := start(t, standin.Options{InMemory: true})
					s.Script(fault)
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(time.Second, func() {
						if cancel(); who == "server" {
							_ = s.Close()
						}
					})
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.OAuthURL()+"/oauth2/token", strings.NewReader(refreshForm(issue(t, s)).Encode()))
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					resp, err := s.Client().Do(req)
					if err == nil {
						_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
						resp.Body.Close()
					}
					if err == nil && !fault.Endless {
						t.Error("the answer was whole")
					}
				})
			})
		}
	}
}

func TestClosingDoesNotWaitForAClientThatDoesNotRead(t *testing.T) {
	for _, cut := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, standin.Options{InMemory: true})
			s.Script(standin.Fault{Status: 200, Size: 1 << 40, Cut: cut, CutAfter: 1 << 40})
			conn, err := s.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.OAuthURL(), "http://")+":80")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if s.Requests("/") != 1 {
				t.Fatal("the request did not come")
			}
			// A Close that waits would be a deadlock, which the bubble reports.
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFaultsPlayOnTheAPIToo(t *testing.T) {
	s := start(t, standin.Options{})
	token := issue(t, s).AccessToken
	s.Script(standin.Fault{
		Path: "/2/files/upload", Stage: standin.After, Status: 429,
		Header: http.Header{"Retry-After": {"3"}}, Body: `{"error_summary":"too_many_requests/.."}`,
	})
	if status, _ := send(t, s, token, "files/upload", `{"path":"/f"}`, "x"); status != 429 {
		t.Errorf("status %d", status)
	}
	if status, got := rpc(t, s, token, "files/get_metadata", `{"path":"/f"}`); status != 200 {
		t.Errorf("the upload did not happen: %v", got)
	}
}
