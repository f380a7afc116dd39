package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

type canned struct {
	status int
	body   []byte
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body))}, nil
}

// Whatever a server answers, there is a usable answer or an *Error, never both,
// and what is handed on has the form of a token.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"access_token":"A","refresh_token":"R","expires_in":3600,"scope":"a b","account_id":"x"}`,
		`{"access_token":"A","expires_in":"","id_token":"e30.eyJzdWIiOiJtZSJ9."}`,
		`{"error":"invalid_grant"}`, `access_token=A&refresh_token=R`, `{"expires_in":1e999,`, "\xef\xbb\xbf{}", `{"a":[{"b":"]"}]}`,
	} {
		f.Add(200, []byte(body))
		f.Add(400, []byte(body))
		f.Add(500, []byte(body))
	}
	const sent = "canary-refresh-token"
	e := &Endpoint{TokenURL: "https://as.example", ClientID: "id", ClientSecret: secret.New("canary-client-secret")}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		c := NewClient(Options{Transport: canned{status, body}, Now: func() time.Time { return now }, MaxBody: 1 << 16})
		a, err := c.Refresh(t.Context(), e, secret.New(sent))
		if err == nil {
			if a.AccessToken.IsZero() || !success(status) {
				t.Fatalf("a success with status %d and without an access token", status)
			}
			checkAnswer(t, a, now)
			return
		}
		failure, ok := errors.AsType[*Error](err)
		if !ok || a != nil {
			t.Fatalf("%T beside %v", err, a)
		}
		if failure.Class == Dead && failure.Delivered != nil {
			t.Error("a grant is dead and delivered at once")
		}
		if strings.Contains(err.Error(), sent) || strings.Contains(err.Error(), "canary-client-secret") {
			t.Errorf("the error shows a secret: %v", err)
		}
		if failure.Delivered != nil {
			checkAnswer(t, failure.Delivered, now)
		}
	})
}

func checkAnswer(t *testing.T, a *Answer, now time.Time) {
	t.Helper()
	for _, token := range []string{a.AccessToken.Reveal(), a.RefreshToken.Reveal()} {
		if token != "" && (len(token) > maxToken || !visible(token)) {
			t.Errorf("a token of another form: %q", token)
		}
	}
	if !a.ExpiresAt.IsZero() && (a.ExpiresAt.Before(now) || a.ExpiresAt.After(now.Add(maxLifetime))) {
		t.Errorf("it expires at %v", a.ExpiresAt)
	}
	for _, s := range append([]string{a.Account, a.TokenType}, a.Scopes...) {
		if s != "" && !visible(s) {
			t.Errorf("a label that cannot be shown: %q", s)
		}
	}
}

// On valid JSON, the lenient scanner and encoding/json see the same members.
func FuzzTheScannerAgreesWithEncodingJSON(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":"\"}","c":[{"d":"]"},{}],"a":null, "e" : -1.5e3 }`))
	f.Add([]byte(`{"\u0061":true}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var want map[string]json.RawMessage
		if len(body) == 0 || body[0] != '{' || json.Unmarshal(body, &want) != nil {
			jsonMembers(append([]byte{'{'}, body...)) // it must come to an end
			return
		}
		got := map[string]json.RawMessage{}
		for _, m := range jsonMembers(body) {
			got[m.name] = m.value // the last one, as encoding/json has it
		}
		if !maps.EqualFunc(want, got, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Error(cmp.Diff(want, got))
		}
	})
}

// A member of a cut body is a member of the whole one, with the same value.
func FuzzACutBodyInventsNothing(f *testing.F) {
	f.Add([]byte(`{"access_token":"A\\","expires_in":3600,"x":[1,2]}`), 20)
	f.Add([]byte(`access_token=A&refresh_token=R`), 20)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		whole, ok := members(body, true)
		if !ok || n < 0 || n >= len(body) || bytes.HasPrefix(body, []byte("\xef")) {
			return
		}
		cut, _ := members(body[:n], false)
		if len(cut) > len(whole) {
			t.Fatalf("%d members out of %d", len(cut), len(whole))
		}
		for i, m := range cut {
			if m.name != whole[i].name || !bytes.Equal(m.value, whole[i].value) {
				t.Errorf("%q of %q", m, whole[i])
			}
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, s := range []string{"", "7", "-1", "99999999999999999999", now.Format(http.TimeFormat), "Sun, 06 Nov 9994 08:49:37 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if d := retryAfter(header, now); d < 0 || d > maxRetryAfter {
			t.Errorf("%q: %v", header, d)
		}
	})
}
