package oauth_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

const tenYears = "87600h0m0s"

func jwt(claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(claims)) + ".c2ln"
}

// Every row is a whole answer to a refresh, and what it must be taken for. DEAD
// and client are dead codes of the endpoint; SENT is the refresh token that was sent.
func TestWhatAnAnswerMeans(t *testing.T) {
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	inAnHour := fmt.Sprint(noon.Unix() + 3600)
	opaque := jwt(`{"exp":` + inAnHour + `}`)
	huge := strings.Repeat("x", 16<<10)

	for _, tc := range []struct {
		name        string
		status      int
		contentType string
		body        string
		want        string
	}{
		// Success.
		{"a plain answer", 200, jsonType, `{"access_token":"A","token_type":"Bearer","expires_in":3600,"refresh_token":"R","scope":"a b"}`, "ok access=A refresh=R type=Bearer in=1h0m0s scopes=a|b"},
		{"no new refresh token leaves it empty", 200, jsonType, `{"access_token":"A","expires_in":60}`, "ok access=A in=1m0s"},
		{"a refresh token that is null or empty is none", 200, jsonType, `{"access_token":"A","refresh_token":null}`, "ok access=A"},
		{"an empty refresh token is none", 200, jsonType, `{"access_token":"A","refresh_token":""}`, "ok access=A"},
		{"the same refresh token again", 200, jsonType, `{"access_token":"A","refresh_token":"SENT"}`, "ok access=A refresh=SENT"},
		{"a 201 is a success", 201, jsonType, `{"access_token":"A"}`, "ok access=A"},
		{"a token type that is not bearer is kept as it is", 200, jsonType, `{"access_token":"A","token_type":"bot"}`, "ok access=A type=bot"},
		{"JSON that is served as text/plain", 200, "text/plain", `{"access_token":"A","refresh_token":"R"}`, "ok access=A refresh=R"},
		{"JSON that is served as a form", 200, formType, `{"access_token":"A","refresh_token":"R"}`, "ok access=A refresh=R"},
		{"JSON without a content type", 200, "", `{"access_token":"A"}`, "ok access=A"},
		{"a byte order mark", 200, jsonType, "\xef\xbb\xbf" + `{"access_token":"A"}`, "ok access=A"},
		{"white space around", 200, jsonType, "\r\n\t {\"access_token\":\"A\"} \n", "ok access=A"},
		{"a form", 200, formType, `access_token=A&refresh_token=R&expires_in=60&scope=a%20b`, "ok access=A refresh=R in=1m0s scopes=a|b"},
		{"a form that is served as JSON", 200, jsonType, `access_token=A&refresh_token=R%2B`, "ok access=A refresh=R+"},
		{"GitHub's empty scope in a form", 200, formType, `access_token=A&scope=&token_type=bearer`, "ok access=A type=bearer"},
		{"an error member that is empty says nothing", 200, jsonType, `{"access_token":"A","error":"","refresh_token":"R"}`, "ok access=A refresh=R"},
		{"an error object that is empty says nothing", 200, jsonType, `{"access_token":"A","error":{},"refresh_token":"R"}`, "ok access=A refresh=R"},
		{"an escaped name is that name", 200, jsonType, `{"access\u005ftoken":"A"}`, "ok access=A"},
		{"a token as long as is allowed", 200, jsonType, `{"access_token":"` + huge + `"}`, "ok access=" + huge},
		{"the same member twice with one value", 200, jsonType, `{"access_token":"A","access_token":"A"}`, "ok access=A"},
		{"tokens below the top level are not seen", 200, jsonType, `{"data":{"access_token":"B"},"access_token":"A"}`, "ok access=A"},

		// Expiry.
		{"expires_in as a string", 200, jsonType, `{"access_token":"A","expires_in":"3600"}`, "ok access=A in=1h0m0s"},
		{"expires_in as a fraction is rounded down", 200, jsonType, `{"access_token":"A","expires_in":3600.9}`, "ok access=A in=1h0m0s"},
		{"expires_in in scientific notation", 200, jsonType, `{"access_token":"A","expires_in":3.6e3}`, "ok access=A in=1h0m0s"},
		{"an empty expires_in", 200, jsonType, `{"access_token":"A","expires_in":"","refresh_token":"R"}`, "ok access=A refresh=R"},
		{"a negative expires_in", 200, jsonType, `{"access_token":"A","expires_in":-5,"refresh_token":"R"}`, "ok access=A refresh=R"},
		{"an expires_in of 0", 200, jsonType, `{"access_token":"A","expires_in":0}`, "ok access=A"},
		{"an expires_in of null", 200, jsonType, `{"access_token":"A","expires_in":null}`, "ok access=A"},
		{"an enormous expires_in", 200, jsonType, `{"access_token":"A","expires_in":1e300}`, "ok access=A in=" + tenYears},
		{"an expires_in beyond any float", 200, jsonType, `{"access_token":"A","expires_in":1e999}`, "ok access=A in=" + tenYears},
		{"an expires_in that is hexadecimal", 200, jsonType, `{"access_token":"A","expires_in":"0x10"}`, "ok access=A"},
		{"an expires_in of Inf", 200, jsonType, `{"access_token":"A","expires_in":"Inf"}`, "ok access=A"},
		{"an expires_in that is an object", 200, jsonType, `{"access_token":"A","expires_in":{"s":1},"refresh_token":"R"}`, "ok access=A refresh=R"},
		{"an expires_in that is true", 200, jsonType, `{"access_token":"A","expires_in":true}`, "ok access=A"},
		{"expires_at in Unix seconds", 200, jsonType, `{"access_token":"A","expires_at":` + inAnHour + `}`, "ok access=A in=1h0m0s"},
		{"expires_at as a date", 200, jsonType, `{"access_token":"A","expires_at":"2026-11-22T13:00:00Z"}`, "ok access=A in=1h0m0s"},
		{"expires_at in milliseconds is not believed", 200, jsonType, `{"access_token":"A","expires_at":` + inAnHour + `000}`, "ok access=A"},
		{"expires_at in the past is not believed", 200, jsonType, `{"access_token":"A","expires_at":1}`, "ok access=A"},
		{"expires_in counts before expires_at", 200, jsonType, `{"access_token":"A","expires_in":60,"expires_at":` + inAnHour + `}`, "ok access=A in=1m0s"},
		{"the JWT's own expiry", 200, jsonType, `{"access_token":"` + opaque + `"}`, "ok access=" + opaque + " in=1h0m0s"},
		{"the JWT's own expiry beside an empty expires_in", 200, jsonType, `{"access_token":"` + opaque + `","expires_in":""}`, "ok access=" + opaque + " in=1h0m0s"},
		{"a token that only looks like a JWT", 200, jsonType, `{"access_token":"a.b.c"}`, "ok access=a.b.c"},

		// Scopes and account.
		{"scopes with commas", 200, jsonType, `{"access_token":"A","scope":"a,b"}`, "ok access=A scopes=a|b"},
		{"scopes as a list", 200, jsonType, `{"access_token":"A","scope":["a","b"]}`, "ok access=A scopes=a|b"},
		{"scopes that are no text", 200, jsonType, `{"access_token":"A","scope":7}`, "ok access=A"},
		{"an account id", 200, jsonType, `{"access_token":"A","account_id":"dbid:x"}`, "ok access=A account=dbid:x"},
		{"the subject of the ID token", 200, jsonType, `{"access_token":"A","id_token":"` + jwt(`{"sub":"me"}`) + `"}`, "ok access=A account=me"},
		{"an account that cannot be shown", 200, jsonType, `{"access_token":"A","account_id":"\u001b[31m"}`, "ok access=A"},

		// Broken answers that grant.
		{"an empty body", 200, jsonType, ``, "transient malformed in doubt"},
		{"an empty object", 200, jsonType, `{}`, "transient malformed in doubt"},
		{"an HTML page with status 200", 200, "text/html", `<html>login</html>`, "transient malformed in doubt"},
		{"a list", 200, jsonType, `[{"access_token":"A"}]`, "transient malformed in doubt"},
		{"no access token", 200, jsonType, `{"refresh_token":"R"}`, "transient malformed in doubt delivered refresh=R"},
		{"no access token, and the refresh token that was sent", 200, jsonType, `{"refresh_token":"SENT"}`, "transient malformed in doubt"},
		{"tokens one level down", 200, jsonType, `{"ok":true,"data":{"access_token":"A","refresh_token":"R"}}`, "transient malformed in doubt delivered access=A refresh=R"},
		{"tokens two levels down", 200, jsonType, `{"data":{"data":{"access_token":"A","refresh_token":"R"}}}`, "transient malformed in doubt"},
		{"two grants one level down", 200, jsonType, `{"a":{"access_token":"A","refresh_token":"R"},"b":{"access_token":"B","refresh_token":"S"}}`, "transient malformed in doubt"},
		{"tokens one level down beside one at the top", 200, jsonType, `{"access_token":"A","user":{"access_token":"B","refresh_token":"S"}}`, "ok access=A"},
		{"a refresh token alone one level down may be an echo", 200, jsonType, `{"request":{"refresh_token":"*****"}}`, "transient malformed in doubt"},
		{"tokens one level down with status 500", 500, jsonType, `{"data":{"access_token":"A","refresh_token":"R"}}`, "transient status in doubt"},
		{"tokens one level down beside a refusal", 200, jsonType, `{"error":"x","data":{"access_token":"A","refresh_token":"R"}}`, "transient status code=x"},
		{"an access token that is a number", 200, jsonType, `{"access_token":1,"refresh_token":"R"}`, "transient malformed in doubt delivered refresh=R"},
		{"an access token with a line break", 200, jsonType, `{"access_token":"A\r\nX: y","refresh_token":"R"}`, "transient malformed in doubt delivered refresh=R"},
		{"an access token that is too long", 200, jsonType, `{"access_token":"` + huge + `x","refresh_token":"R"}`, "transient malformed in doubt delivered refresh=R"},
		{"a refresh token with a space", 200, jsonType, `{"access_token":"A","refresh_token":"R R"}`, "transient malformed in doubt delivered access=A"},
		{"two access tokens", 200, jsonType, `{"access_token":"A","access_token":"B","refresh_token":"R"}`, "transient malformed in doubt delivered refresh=R"},
		{"an access token in two cases", 200, jsonType, `{"access_token":"A","ACCESS_TOKEN":"B","refresh_token":"R"}`, "transient malformed in doubt delivered refresh=R"},
		{"an access token in another case only", 200, jsonType, `{"Access_Token":"A","refresh_token":"R"}`, "transient malformed in doubt delivered access=A refresh=R"},
		{"two refresh tokens", 200, jsonType, `{"access_token":"A","refresh_token":"R","refresh_token":"S"}`, "transient malformed in doubt delivered access=A"},
		{"two refresh tokens in a form", 200, formType, `access_token=A&refresh_token=R&refresh_token=S`, "transient malformed in doubt delivered access=A"},
		{"two lifetimes", 200, jsonType, `{"access_token":"A","refresh_token":"R","expires_in":1,"expires_in":2}`, "transient malformed in doubt delivered access=A refresh=R"},
		{"NaN", 200, jsonType, `{"access_token":"A","expires_in":NaN,"refresh_token":"R"}`, "transient malformed in doubt delivered access=A refresh=R"},
		{"a missing value", 200, jsonType, `{"access_token":"A","expires_in":,"refresh_token":"R"}`, "transient malformed in doubt delivered access=A refresh=R"},
		{"something after the object", 200, jsonType, `{"access_token":"A","refresh_token":"R"}}`, "transient malformed in doubt delivered access=A refresh=R"},
		{"nesting that is too deep", 200, jsonType, `{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"refresh_token":"R"}`, "transient malformed in doubt delivered refresh=R"},
		{"a form with a broken escape", 200, formType, `access_token=%zz&refresh_token=R`, "transient malformed in doubt delivered refresh=R"},
		{"a grant with status 500", 500, jsonType, `{"access_token":"A","refresh_token":"R"}`, "transient status in doubt delivered access=A refresh=R"},
		{"a grant with status 400", 400, jsonType, `{"access_token":"A","refresh_token":"R"}`, "transient status in doubt delivered access=A refresh=R"},
		{"an echo of the request with status 500", 500, jsonType, `{"refresh_token":"SENT","client_secret":"` + canarySecret + `"}`, "transient status in doubt"},
		{"a masked echo never replaces a refresh token", 500, jsonType, `{"refresh_token":"*****"}`, "transient status in doubt"},
		{"a grant and a refusal in one", 200, jsonType, `{"error":"invalid_grant","access_token":"A","refresh_token":"R"}`, "transient malformed code=invalid_grant in doubt delivered access=A refresh=R"},
		{"a masked echo beside a refusal", 200, jsonType, `{"error":"invalid_request","refresh_token":"*****"}`, "transient invalid_request code=invalid_request"},

		// Refusals.
		{"invalid_grant", 400, jsonType, `{"error":"invalid_grant","error_description":"` + canaryRefresh + `"}`, "dead invalid_grant code=invalid_grant"},
		{"invalid_grant with status 401", 401, jsonType, `{"error":"invalid_grant"}`, "dead invalid_grant code=invalid_grant"},
		{"invalid_grant with status 403", 403, jsonType, `{"error":"invalid_grant"}`, "dead invalid_grant code=invalid_grant"},
		{"invalid_grant with status 200", 200, jsonType, `{"error":"invalid_grant"}`, "dead invalid_grant code=invalid_grant"},
		{"invalid_grant as text/plain", 400, "text/plain", `{"error":"invalid_grant"}`, "dead invalid_grant code=invalid_grant"},
		{"invalid_grant as a form", 400, formType, `error=invalid_grant`, "dead invalid_grant code=invalid_grant"},
		{"invalid_grant with status 500 kills nothing", 500, jsonType, `{"error":"invalid_grant"}`, "transient status code=invalid_grant in doubt"},
		{"invalid_grant with status 429 kills nothing", 429, jsonType, `{"error":"invalid_grant"}`, "transient status code=invalid_grant"},
		{"invalid_grant in a broken body kills nothing", 400, jsonType, `{"error":"invalid_grant"`, "transient status"},
		{"invalid_grant beside another error kills nothing", 400, jsonType, `{"error":"invalid_grant","error":"server_error"}`, "transient status"},
		{"invalid_grant below the top level kills nothing", 400, jsonType, `{"error":{"code":"invalid_grant"}}`, "transient status"},
		{"a dead code of the provider with status 200", 200, jsonType, `{"ok":false,"error":"DEAD"}`, "dead DEAD code=DEAD"},
		{"a dead code of the provider with status 400", 400, jsonType, `{"error":"DEAD"}`, "dead DEAD code=DEAD"},
		{"a dead code that is a word of the client secret", 400, jsonType, `{"error":"client"}`, "dead client code=client"},
		{"invalid_client", 401, jsonType, `{"error":"invalid_client"}`, "config invalid_client code=invalid_client"},
		{"invalid_client with status 400", 400, jsonType, `{"error":"invalid_client"}`, "config invalid_client code=invalid_client"},
		{"invalid_client with status 200", 200, jsonType, `{"error":"invalid_client"}`, "config invalid_client code=invalid_client"},
		{"unauthorized_client", 400, jsonType, `{"error":"unauthorized_client"}`, "config unauthorized_client code=unauthorized_client"},
		{"invalid_scope", 400, jsonType, `{"error":"invalid_scope"}`, "config invalid_scope code=invalid_scope"},
		{"unsupported_grant_type", 400, jsonType, `{"error":"unsupported_grant_type"}`, "config unsupported_grant_type code=unsupported_grant_type"},
		{"invalid_request", 400, jsonType, `{"error":"invalid_request"}`, "transient invalid_request code=invalid_request"},
		{"access_denied", 400, jsonType, `{"error":"access_denied"}`, "transient status code=access_denied"},
		{"an error code that is a sentence", 400, jsonType, `{"error":"token ` + canaryRefresh + ` is bad"}`, "transient status"},
		{"an error code that is the client secret", 400, jsonType, `{"error":"` + canarySecret + `"}`, "transient status"},
		{"an error code that is the middle of the client secret", 400, jsonType, `{"error":"client-secret-7f3a"}`, "transient status"},
		{"an error that is a number", 400, jsonType, `{"error":190}`, "transient status"},
		{"an error object with status 200", 200, jsonType, `{"error":{"code":190}}`, "transient malformed in doubt"},

		// Everything else.
		{"a 403 of a gateway", 403, "text/html", `<html>VPN</html>`, "transient status"},
		{"a 401 without a code", 401, "text/plain", `no`, "transient status"},
		{"a 404", 404, "text/plain", `404 page not found`, "transient status"},
		{"a 408", 408, "text/plain", ``, "transient status in doubt"},
		{"a 425", 425, "text/plain", ``, "transient status"},
		{"a 429", 429, jsonType, `{"error":"slow_down"}`, "transient status code=slow_down"},
		{"a 500", 500, jsonType, `{"error":"server_error"}`, "transient status code=server_error in doubt"},
		{"a 502 of a gateway", 502, "text/html", `<html>Bad Gateway</html>`, "transient status in doubt"},
		{"a 503", 503, "", ``, "transient status in doubt"},
		{"a 304", 304, "", ``, "transient redirect in doubt"},
		{"a 204", 204, "", ``, "transient malformed in doubt"},
		{"a status that does not exist", 799, jsonType, `{"error":"invalid_grant"}`, "transient status code=invalid_grant in doubt"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{tc.contentType}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})
			e := endpoint(srv.URL)
			e.DeadCodes = []string{"DEAD", "client"}
			a, err := newClient().Refresh(t.Context(), e, secret.New("SENT"))
			if got := strings.TrimSpace(outcome(a, err)); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows what the server wrote: %v", err)
			}
			srv.only(t)
		})
	}
}

func TestInvalidGrantIsAboutTheClientWhereThereIsNoOtherGrant(t *testing.T) {
	srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error":"invalid_grant"}`)
	})
	_, err := newClient().ClientCredentials(t.Context(), endpoint(srv.URL))
	if got := outcome(nil, err); got != "config invalid_grant code=invalid_grant" {
		t.Error(got)
	}
}

func TestScopesAreSplitAtTheSeparatorOfTheEndpoint(t *testing.T) {
	srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"access_token":"A","scope":"a+b"}`)
	})
	for separator, want := range map[string]string{"": "a+b", "+": "a|b"} {
		e := endpoint(srv.URL)
		e.ScopeSeparator = separator
		a, err := newClient().Refresh(t.Context(), e, secret.New("SENT"))
		if got := outcome(a, err); got != "ok access=A scopes="+want {
			t.Errorf("separator %q: %s", separator, got)
		}
	}
}

func TestCompressionThatNobodyAskedForIsUndoneWithinBounds(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"an answer": {`{"access_token":"A","refresh_token":"R"}`, "ok access=A refresh=R"},
		"a bomb":    {`{"refresh_token":"R","access_token":"A","x":"` + strings.Repeat("0", 8<<20) + `"}`, "transient too_large in doubt delivered access=A refresh=R"},
	} {
		t.Run(name, func(t *testing.T) {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = z.Write([]byte(tc.body))
			_ = z.Close()
			srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed.Bytes())
			})
			a, err := newClient().Refresh(t.Context(), endpoint(srv.URL), secret.New("SENT"))
			if got := outcome(a, err); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
			if got := srv.only(t).header.Get("Accept-Encoding"); got != "identity" {
				t.Errorf("Accept-Encoding: %q", got)
			}
		})
	}
}
