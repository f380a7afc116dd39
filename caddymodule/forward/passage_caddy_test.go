package forward_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

// arrived sends headers through token_proxy with a block, and returns those that the API saw and those that came back.
func arrived(t *testing.T, provider, block string, sent, answered http.Header) (upstream, back http.Header) {
	t.Helper()
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), answered)
	})
	p := proxyTo(t, a.host()+"\n"+provider, "", block)
	r := p.request("GET", "/x", nil)
	maps.Copy(r.Header, sent)
	res, body := p.do(r)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	upstream = a.requests()[0].Header
	if auth := upstream["Authorization"]; len(auth) != 1 || auth[0] != "Bearer "+p.token {
		t.Error("Authorization is not the token's alone")
	}
	return upstream, res.Header
}

func TestWhatARouteLetsThrough(t *testing.T) {
	request := http.Header{
		"Notion-Version": {"2022-06-28"}, "X-Acme-Version": {"2"}, "X-Acme-User": {"other"}, "Authorization": {"Basic client"},
		"X-Http-Method-Override": {"DELETE"}, "X_acme_version": {"3"}, "X-Own": {"client"}, "Dropbox-Api-Select-User": {"dbmid:1"},
	}
	response := http.Header{"X-Acme-Id": {"7"}, "Set-Cookie": {"a=1"}, "X-Github-Request-Id": {"g"}, "Access-Control-Allow-Origin": {"*"}}
	for _, tc := range []struct{ name, provider, block, sent, read string }{
		{"without a word, what is known", "", "", "Notion-Version", "X-Github-Request-Id"},
		{"a name of the route", "", "pass_header x-acme-version", "Notion-Version X-Acme-Version", "X-Github-Request-Id"},
		{"a beginning of the route", "", "pass_header X-Acme-*\npass_response_header x-acme-*", "Notion-Version X-Acme-Version", "X-Acme-Id X-Github-Request-Id"},
		{"a beginning of the provider", "request_header X-Acme-*\nresponse_header X-Acme-*", "", "Notion-Version X-Acme-Version", "X-Acme-Id X-Github-Request-Id"},
		{
			"the dangerous by their own names", "request_header X-Acme-User", "pass_header X-HTTP-Method-Override Dropbox-API-Select-User\npass_response_header Set-Cookie",
			"Dropbox-Api-Select-User Notion-Version X-Acme-User X-Http-Method-Override", "Set-Cookie X-Github-Request-Id",
		},
		{"what header_up sets", "", "header_up X-Own operator", "Notion-Version X-Own", "X-Github-Request-Id"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			upstream, back := arrived(t, tc.provider, tc.block, request, response)
			delete(upstream, "Authorization")
			wantAmong(t, "the API saw", upstream, request, tc.sent)
			wantAmong(t, "the client saw", back, response, tc.read)
			if own := upstream.Get("X-Own"); own != "" && own != "operator" {
				t.Errorf("X-Own arrived as %q", own)
			}
		})
	}
}

// wantAmong compares which of the headers that were sent are in got.
func wantAmong(t *testing.T, who string, got, sent http.Header, want string) {
	t.Helper()
	for name := range sent {
		if _, ok := got[name]; ok != strings.Contains(" "+want+" ", " "+name+" ") {
			t.Errorf("%s %s: %t", who, name, ok)
		}
	}
}

// Only browsers send cookies, so it takes a page of an allowed origin.
func TestCookiesPassWhereTheRouteSaysSo(t *testing.T) {
	const route = "handle /%s {\ntoken_proxy demo/one {\nallow origin https://app.example.com\n%s\n}\n}\n"
	a := newAPI(t, echoBody)
	p := proxyToSite(t, a.host(), fmt.Sprintf(route, "with", "pass_header Cookie")+fmt.Sprintf(route, "without", ""))
	for path, want := range map[string]string{"/with": "session=1", "/without": ""} {
		r := p.request("GET", path, nil)
		r.Header.Set("Cookie", "session=1")
		r.Header.Set("Origin", "https://app.example.com")
		if res, body := p.do(r); res.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d: %s", path, res.StatusCode, body)
		}
		all := a.requests()
		if got := all[len(all)-1].Header.Get("Cookie"); got != want {
			t.Errorf("%s: Cookie arrived as %q", path, got)
		}
	}
}

func TestMethodsOfARoute(t *testing.T) {
	const usual = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	for _, tc := range []struct{ name, provider, block, pass, refused, allow string }{
		{"the usual ones", "", "", "GET HEAD POST PUT PATCH DELETE OPTIONS", "PROPFIND SEARCH REPORT TRACE TRACK DEBUG get FOO", usual},
		{"those of the provider too", "methods PROPFIND", "", "GET PROPFIND", "MKCOL", usual + ", PROPFIND"},
		{"those of the route alone", "methods PROPFIND", "methods GET REPORT", "GET REPORT", "HEAD POST PROPFIND OPTIONS", "GET, REPORT"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAPI(t, echoBody)
			p := proxyTo(t, a.host()+"\n"+tc.provider, "", tc.block)
			for method := range strings.FieldsSeq(tc.pass) {
				if res, body := p.do(p.request(method, "/x", nil)); res.StatusCode != http.StatusOK {
					t.Errorf("%s: status %d: %s", method, res.StatusCode, body)
				}
			}
			before := len(a.requests())
			for method := range strings.FieldsSeq(tc.refused) {
				if res, _ := p.do(p.request(method, "/x", nil)); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != tc.allow {
					t.Errorf("%s: status %d, Allow %q", method, res.StatusCode, res.Header.Get("Allow"))
				}
			}
			if after := len(a.requests()); after != before {
				t.Errorf("%d refused requests arrived", after-before)
			}
		})
	}
}

func TestARewriteOpensNoOtherMethod(t *testing.T) {
	a := newAPI(t, echoBody)
	p := proxyToSite(t, a.host(), "route {\ntoken_guard demo/one {\nforward\nmethods GET\n}\nmethod DELETE\nreverse_proxy {http.vars.token_store.upstream.demo} {\ntransport token_store\n}\n}")
	if res, _ := p.wantGet("/x", http.StatusMethodNotAllowed); res.Header.Get("Allow") != "GET" {
		t.Errorf("Allow is %q", res.Header.Get("Allow"))
	}
	if n := len(a.requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestPreflightsAgreeWithWhatPasses(t *testing.T) {
	const origin = "https://app.example.com"
	p := proxyToSite(t, newAPI(t, echoBody).host()+"\nmethods PROPFIND", `
		handle /usual* {
			token_proxy demo/one {
				allow origin `+origin+`
			}
		}
		handle /narrow* {
			token_proxy demo/one {
				allow origin `+origin+`
				methods GET PUT
				pass_header X-Acme-Version Cookie Origin
			}
		}
		handle /wide* {
			token_proxy demo/one {
				allow origin `+origin+`
				pass_header X-Acme-*
			}
		}`)
	for _, tc := range []struct {
		path, method, headers string
		allowed               bool
	}{
		{"/usual", "PATCH", "authorization,content-type,if-match,notion-version,ocp-apim-subscription-key,range,x-requested-with", true},
		{"/usual", "PROPFIND", "depth", true},
		{"/usual", "REPORT", "", false},
		{"/usual", "PUT", "x-acme-version", false},
		{"/usual", "PUT", "x-forwarded-for", false},
		{"/usual", "PUT", "x-http-method-override", false},
		{"/narrow", "PUT", "x-acme-version", true},
		{"/narrow", "DELETE", "", false},
		{"/narrow", "PROPFIND", "", false},
		{"/wide", "PUT", "authorization,x-acme-anything", true},
	} {
		t.Run(fmt.Sprint(tc.path, tc.method, tc.headers), func(t *testing.T) {
			r := p.request("OPTIONS", tc.path, nil)
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", tc.method)
			if tc.headers != "" {
				r.Header.Set("Access-Control-Request-Headers", tc.headers)
			}
			res, _ := p.do(r)
			if allowed := res.StatusCode == http.StatusNoContent && res.Header.Get("Access-Control-Allow-Origin") == origin; allowed != tc.allowed {
				t.Errorf("status %d, %v", res.StatusCode, res.Header)
			}
		})
	}
	r := p.request("GET", "/usual", nil)
	r.Header.Set("Origin", origin)
	if res, _ := p.do(r); res.Header.Get("Access-Control-Expose-Headers") != "*" {
		t.Errorf("a page may read %q", res.Header.Get("Access-Control-Expose-Headers"))
	}
}

func TestTheGuardRefusesWhatCannotPass(t *testing.T) {
	for name, tc := range map[string]struct {
		settings string
		parts    []string
	}{
		"headers where none are taken away": {`{"pass_headers":["X-Foo"]}`, []string{"pass_header", "add forward"}},
		"a promise of CORS that the route would not keep": {
			`{"connection":"demo/one","forward":true,"methods":["GET"],"allow":{"origins":["https://app.example.com"]},"cors":{"allow_methods":["GET","PUT"]}}`,
			[]string{"allow_methods PUT", "add it to methods"},
		},
		"all that is wrong": {
			`{"forward":true,"methods":["get"],"pass_headers":["Authorization","*"],"pass_response_headers":["Access-Control-Foo"]}`,
			[]string{`methods: "get"`, "pass_header: Authorization", "pass_header: *", "pass_response_header: Access-Control-Foo"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := testcaddy.New(t)
			testcaddy.Probe(t, s.Adapt("provider demo generic {\nclient_id id\nauthorize_url https://as.example.com/a\ntoken_url https://as.example.com/t\n}", ""), func(ctx caddy.Context) {
				_, err := ctx.LoadModuleByID("http.handlers.token_guard", json.RawMessage(tc.settings))
				testcaddy.WantError(t, err, tc.parts...)
			})
		})
	}
}
