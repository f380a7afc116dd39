package headers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

// wantPasses checks each name of a list in the spellings that it may have in a map.
func wantPasses(t *testing.T, f *headers.Filter, want bool, names string) {
	t.Helper()
	for name := range strings.FieldsSeq(names) {
		for _, spelling := range []string{http.CanonicalHeaderKey(name), name, strings.ToLower(name), strings.ToUpper(name)} {
			if f.Passes(spelling) != want {
				t.Errorf("%s: passes is %t", spelling, !want)
			}
		}
	}
}

func TestRequestHeadersThatPassForEveryAPI(t *testing.T) {
	f := headers.Rules{}.RequestFilter()
	for name, list := range map[string]string{
		"content negotiation":   "Accept Accept-Charset Accept-Encoding Accept-Language Accept-Datetime Prefer A-IM",
		"content":               "Content-Type Content-Length Content-Encoding Content-Language Content-Location Content-Range Content-Disposition Content-MD5 MIME-Version",
		"conditions and ranges": "If-Match If-None-Match If-Modified-Since If-Unmodified-Since If-Range Range If",
		"digests":               "Content-Digest Repr-Digest Want-Content-Digest Want-Repr-Digest Digest Want-Digest",
		"caching":               "Cache-Control Pragma Date Last-Modified",
		"control":               "Expect Max-Forwards TE User-Agent Priority Early-Data",
		"traces":                "traceparent tracestate baggage X-Request-ID Request-Id X-Correlation-ID",
		"repeating a request":   "Idempotency-Key Repeatability-Request-ID Repeatability-First-Sent",
		"WebSockets":            "Connection Upgrade Sec-WebSocket-Key Sec-WebSocket-Version Sec-WebSocket-Protocol Sec-WebSocket-Extensions",
		"WebDAV":                "Depth If Lock-Token Overwrite Timeout",
		"tus":                   "Tus-Resumable Upload-Offset Upload-Length Upload-Metadata Upload-Checksum Upload-Concat Upload-Defer-Length Upload-Complete",
		"OData":                 "OData-Version OData-MaxVersion DataServiceVersion MaxDataServiceVersion",
		"events":                "Last-Event-ID",
		"git":                   "Git-Protocol",
		"gRPC-web and Connect":  "X-Grpc-Web X-User-Agent Grpc-Timeout Connect-Protocol-Version Connect-Timeout-Ms",
		"SOAP and Atom":         "SOAPAction Slug",
		"GraphQL":               "Apollo-Require-Preflight GraphQL-Preflight",
	} {
		t.Run(name, func(t *testing.T) { wantPasses(t, f, true, list) })
	}
}

// private are request headers that no list but one with their own names lets through.
var private = map[string]string{
	"credentials":           "Cookie Cookie2 X-Api-Key X-Auth-Token X-Amz-Security-Token Private-Token X-Vault-Token Ocp-Apim-Subscription-Key X-Goog-Api-Key X-Csrf-Token X-XSRF-Token X-Ms-Token-Aad-Access-Token X-Goog-Iap-Jwt-Assertion",
	"who the client is":     "Remote-User X-Remote-User X-Webauth-User X-Auth-Request-Email X-Forwarded-User X-Forwarded-Email X-Client-Cert X-Ssl-Client-Cert From",
	"the page":              "Origin Referer Sec-Fetch-Site Sec-Ch-Ua Access-Control-Request-Method",
	"the way":               "Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Anything X-Real-IP X-Client-IP True-Client-IP CF-Connecting-IP X-Cluster-Client-Ip CDN-Loop Fly-Client-Ip X-Original-Forwarded-For X-Remote-Addr",
	"another method":        "X-HTTP-Method X-HTTP-Method-Override X-Method-Override",
	"another host or path":  "X-Original-URL X-Original-Uri X-Original-Host X-Rewrite-URL X-Host X-Forwarded-Server Base-Url-Override Destination",
	"acting for others":     "As-User Sudo X-On-Behalf-Of X-Impersonate-User Impersonate-User Impersonate-Group Stripe-Account X-Goog-User-Project Dropbox-API-Select-User Dropbox-API-Select-Admin",
	"what is of connection": "Keep-Alive Proxy-Connection Proxy-Authenticate Trailer Transfer-Encoding HTTP2-Settings Host",
	"nobody knows what":     "X-Foo Foo X-Debug X-Acme-Version X X-",
	"underscores and dots":  "X_Forwarded_For X_Api_Key Content_Type Content.Type X_Http_Method_Override Accept_Language If_Match Transfer_Encoding",
}

func TestRequestHeadersThatPassForNoAPI(t *testing.T) {
	f := headers.Rules{}.RequestFilter()
	for name, list := range private {
		t.Run(name, func(t *testing.T) { wantPasses(t, f, false, list) })
	}
}

func TestAuthorizationPassesUnderNoRules(t *testing.T) {
	wild := headers.Rules{Request: []string{"Authorization", "Proxy-Authorization", "A*", "X-*", "Proxy-*", "*"}}
	if wild.Validate() == nil {
		t.Error("such rules are valid")
	}
	wantPasses(t, headers.Rules{}.RequestFilter(), false, "Authorization Proxy-Authorization")
	wantPasses(t, headers.Rules{Request: []string{"X-*", "Proxy-*"}}.RequestFilter(), false, "Authorization Proxy-Authorization")
}

func TestBeginningsOfNamesCoverTheHarmless(t *testing.T) {
	f := headers.Rules{
		Request:    []string{"x-*", "ACME-api-*", "Stripe-*", "Openai-*", "Dropbox-Api-*", "Impersonate-*"},
		Privileged: []string{"acme-api-root"},
	}.RequestFilter()
	wantPasses(t, f, true, "X-Foo X-Acme-Version X-Debug Acme-Api-Version Stripe-Version Openai-Beta Dropbox-Api-Arg X-9")
	wantPasses(t, f, false, "Acme-Api-Root Acme-Api- Acme-Ap X- Acme-Apifoo Foo Acme-Api-Ro_ot Acme-Api_Foo X-Foo_Bar X-Foo.Bar X-Fooé")
	for name, list := range private {
		if name == "nobody knows what" {
			continue
		}
		t.Run("but not "+name, func(t *testing.T) { wantPasses(t, f, false, list) })
	}
}

func TestANameOfItsOwnOpensWhatNoBeginningCovers(t *testing.T) {
	const listed = "Cookie X-Forwarded-For X-Http-Method-Override Dropbox-Api-Select-User X_Forwarded_For Acme-Api-Root Destination"
	f := headers.Rules{Request: append(strings.Fields(listed), "acme-*"), Privileged: []string{"Acme-Api-Root"}}.RequestFilter()
	wantPasses(t, f, true, listed)
	wantPasses(t, f, false, "X-Forwarded-Host X_Forwarded_Host Dropbox-Api-Select-Admin X-Forwarded_For Cookie2")
	for name := range strings.FieldsSeq("Cookie X-Forwarded-For Acme-Api-Root") {
		if !f.Lists(name) {
			t.Errorf("%s is not listed", name)
		}
	}
	if f.Lists("Acme-Foo") {
		t.Error("a name that is covered by a beginning is listed")
	}
}

func TestResponseHeadersThatPassForEveryAPI(t *testing.T) {
	f := headers.Rules{}.ResponseFilter()
	for name, list := range map[string]string{
		"content":               "Content-Type Content-Length Content-Encoding Content-Language Content-Location Content-Range Content-Disposition Content-MD5 Content-Digest Repr-Digest",
		"conditions and ranges": "ETag Last-Modified Accept-Ranges Range Vary Date Age Expires Cache-Control Pragma Preference-Applied",
		"where else":            "Location Link Allow Accept-Patch Accept-Post",
		"when again":            "Retry-After RateLimit RateLimit-Policy RateLimit-Limit RateLimit-Remaining X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset X-RateLimit-Used X-RateLimit-Resource X-RateLimit-Remaining-Tokens X-Rate-Limit-Limit",
		"who is asked for":      "WWW-Authenticate Authentication-Info",
		"which request it was":  "Request-Id X-Request-Id X-Correlation-Id traceparent traceresponse Server-Timing X-Response-Time Server Via Idempotent-Replayed",
		"news":                  "Warning Deprecation Sunset",
		"pages":                 "X-Total-Count X-Page X-Per-Page X-Next-Page",
		"WebSockets":            "Connection Upgrade Sec-WebSocket-Accept Sec-WebSocket-Protocol",
		"WebDAV":                "DAV Lock-Token MS-Author-Via Schedule-Tag",
		"tus":                   "Tus-Resumable Tus-Version Tus-Extension Tus-Max-Size Upload-Offset Upload-Length Upload-Expires Upload-Metadata",
		"OData":                 "OData-Version OData-EntityId DataServiceVersion",
		"gRPC-web":              "Grpc-Status Grpc-Message Grpc-Status-Details-Bin Grpc-Encoding",
		"locks for documents":   "Content-Security-Policy X-Frame-Options Cross-Origin-Resource-Policy",
	} {
		t.Run(name, func(t *testing.T) { wantPasses(t, f, true, list) })
	}
}

// ofOrigin are response headers that no beginning of names covers.
var ofOrigin = map[string]string{
	"cookies and sessions": "Set-Cookie Set-Cookie2 Set-Login X-Set-Cookie Sec-Session-Registration Secure-Session-Registration",
	"CORS":                 "Access-Control-Allow-Origin Access-Control-Allow-Headers Access-Control-Expose-Headers Access-Control-Anything-New Access-Control-Allow-Private-Network Timing-Allow-Origin",
	"policies for all":     "Strict-Transport-Security Public-Key-Pins Expect-CT Clear-Site-Data Service-Worker-Allowed NEL Report-To Reporting-Endpoints Content-Security-Policy-Report-Only Accept-CH Critical-CH Origin-Agent-Cluster Origin-Trial Permissions-Policy Referrer-Policy Cross-Origin-Opener-Policy Cross-Origin-Embedder-Policy X-Permitted-Cross-Domain-Policies X-DNS-Prefetch-Control",
	"other places":         "Alt-Svc Refresh Alternate-Protocol SourceMap X-SourceMap",
	"servers on our side":  "X-Accel-Redirect X-Accel-Buffering X-Accel-Expires X-Sendfile X-Lighttpd-Send-File X-LiteSpeed-Location X-Reproxy-URL",
	"caches on our side":   "Surrogate-Control Surrogate-Key CDN-Cache-Control Cloudflare-CDN-Cache-Control X-LiteSpeed-Cache-Control Edge-Control",
	"what is set here":     "X-Content-Type-Options",
	"of one connection":    "Keep-Alive Proxy-Connection Proxy-Authenticate Trailer Transfer-Encoding Proxy-Authentication-Info",
}

func TestResponseHeadersThatSpeakForAnOrigin(t *testing.T) {
	standard := headers.Rules{}.ResponseFilter()
	wide := headers.Rules{Response: []string{
		"X-*", "Content-*", "Cross-*", "Report-*", "Public-*", "Service-*", "Surrogate-*", "CDN-*", "Cloudflare-*", "Accept-*", "Origin-*", "Secure-*", "Clear-*",
		"Strict-*", "Critical-*", "Timing-*", "Alt-*", "Edge-*", "Expect-*", "Keep-*", "Transfer-*", "Referrer-*", "Permissions-*",
	}}
	for name, list := range ofOrigin {
		t.Run(name+" do not pass", func(t *testing.T) { wantPasses(t, standard, false, list) })
		t.Run(name+" are covered by no beginning", func(t *testing.T) {
			list = strings.ReplaceAll(list, "Critical-CH", "") // harmless without Accept-CH
			wantPasses(t, wide.ResponseFilter(), false, list)
		})
	}
	wantPasses(t, wide.ResponseFilter(), true, "X-Foo X-Powered-By Content-Foo Cross-Foo")
	wantPasses(t, wide.ResponseFilter(), false, "X-Foo_Bar X_Foo Foo")
	const listed = "Set-Cookie Strict-Transport-Security Alt-Svc X-Accel-Redirect Foo X_Foo"
	wantPasses(t, headers.Rules{Response: strings.Fields(listed)}.ResponseFilter(), true, listed)
}

func TestNamesOfAFilter(t *testing.T) {
	names, whole := headers.Rules{Request: []string{"acme-version", "Cookie"}}.RequestFilter().Names()
	standard, _ := headers.Rules{}.RequestFilter().Names()
	if !whole || len(names) != len(standard)+2 {
		t.Errorf("%d names of %d, whole %t", len(names), len(standard)+2, whole)
	}
	if _, whole := (headers.Rules{Request: []string{"acme-*"}}).RequestFilter().Names(); whole {
		t.Error("the names are said to be all")
	}
}

func TestPassesAllocatesNothing(t *testing.T) {
	request := headers.Rules{Request: []string{"Acme-*"}}.RequestFilter()
	response := headers.Rules{}.ResponseFilter()
	n := testing.AllocsPerRun(100, func() {
		for _, name := range [...]string{"Accept", "Range", "If-None-Match", "X-Forwarded-For", "X-Foo", "Cookie", "Authorization"} {
			request.Passes(name)
			response.Passes(name)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
