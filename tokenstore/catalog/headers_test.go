package catalog_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/catalog"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
)

// sdk is what programs of one kind send to an API and read of its answers.
type sdk struct{ sent, read string }

var sdks = map[string]sdk{
	"Dropbox": {
		"Dropbox-API-Arg Content-Type User-Agent Accept-Encoding Range If-None-Match",
		"Dropbox-API-Result X-Dropbox-Request-Id Retry-After ETag Original-Content-Length Content-Length Accept-Ranges",
	},
	"Google": {
		"X-Goog-Api-Client X-Goog-Request-Params X-Goog-FieldMask X-Upload-Content-Type X-Upload-Content-Length X-Goog-Upload-Protocol X-Goog-Upload-Command X-Goog-Upload-Offset If-Match Content-Range X-Goog-If-Generation-Match X-Server-Timeout",
		"Location Range X-GUploader-UploadID X-Goog-Upload-Status X-Goog-Upload-URL X-Goog-Upload-Chunk-Granularity X-Goog-Hash X-Goog-Generation ETag Vary Server-Timing",
	},
	"GitHub": {
		"Accept X-GitHub-Api-Version If-None-Match If-Modified-Since User-Agent X-Github-Next-Global-ID",
		"Link X-GitHub-Request-Id X-GitHub-Media-Type X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset X-RateLimit-Used X-RateLimit-Resource X-OAuth-Scopes X-Accepted-OAuth-Scopes ETag Deprecation Sunset X-Poll-Interval Retry-After",
	},
	"Slack":  {"Content-Type Accept-Charset User-Agent", "X-OAuth-Scopes X-Accepted-OAuth-Scopes X-Slack-Req-Id Retry-After"},
	"Stripe": {"Stripe-Version Idempotency-Key User-Agent", "Request-Id Stripe-Version Idempotency-Key Original-Request Stripe-Should-Retry"},
	"Notion": {"Notion-Version Content-Type", "X-Notion-Request-Id Retry-After"},
	"Microsoft Graph": {
		"ConsistencyLevel Prefer client-request-id return-client-request-id SdkVersion If-Match Content-Range OData-Version OData-MaxVersion",
		"request-id client-request-id Preference-Applied OData-Version Location Retry-After x-ms-ags-diagnostic RateLimit-Limit RateLimit-Remaining",
	},
	"Salesforce": {
		"Sforce-Query-Options Sforce-Call-Options Sforce-Auto-Assign If-Modified-Since",
		"Sforce-Limit-Info Location Warning",
	},
	"git":     {"Git-Protocol Content-Type Content-Encoding Accept Accept-Language Pragma", "Content-Type Cache-Control Expires Pragma WWW-Authenticate"},
	"OpenAI":  {"OpenAI-Beta X-Stainless-Lang X-Stainless-Retry-Count Idempotency-Key Last-Event-ID", "X-Request-Id OpenAI-Processing-Ms X-RateLimit-Limit-Requests X-RateLimit-Remaining-Tokens"},
	"Box":     {"If-Match Digest Content-Range Prefer", "Box-Request-Id Retry-After Location"},
	"Jira":    {"X-Atlassian-Token Accept", "X-ARequestId X-AREQUESTID Retry-After X-RateLimit-NearLimit"},
	"objects": {"X-Ms-Version X-Ms-Blob-Type X-Ms-Range If-Range Content-MD5", "X-Ms-Request-Id X-Ms-Version X-Amz-Request-Id X-Amz-Version-Id Content-MD5 Last-Modified"},
}

func TestWhatSDKsSendAndReadPassesForTheGenericPreset(t *testing.T) {
	p, _ := catalog.Lookup("generic")
	for name, s := range sdks {
		t.Run(name, func(t *testing.T) { wantAll(t, p.Headers, s) })
	}
}

func wantAll(t *testing.T, r headers.Rules, s sdk) {
	t.Helper()
	request, response := r.RequestFilter(), r.ResponseFilter()
	for name := range strings.FieldsSeq(s.sent) {
		if !request.Passes(http.CanonicalHeaderKey(name)) {
			t.Errorf("%s is not sent", name)
		}
	}
	for name := range strings.FieldsSeq(s.read) {
		if !response.Passes(http.CanonicalHeaderKey(name)) {
			t.Errorf("%s cannot be read", name)
		}
	}
}

func TestDropboxHasTheHeadersOfDropboxAlone(t *testing.T) {
	p, _ := catalog.Lookup("dropbox")
	wantAll(t, p.Headers, sdks["Dropbox"])
	request, response := p.Headers.RequestFilter(), p.Headers.ResponseFilter()
	for _, name := range []string{"Notion-Version", "X-Goog-Api-Client", "Dropbox-Api-Select-User", "Dropbox-Api-Select-Admin", "Dropbox-Api-Path-Root"} {
		if request.Passes(name) {
			t.Errorf("%s is sent to Dropbox", name)
		}
	}
	for _, name := range []string{"X-Goog-Hash", "X-Github-Request-Id", "Set-Cookie"} {
		if response.Passes(name) {
			t.Errorf("%s comes back from Dropbox", name)
		}
	}
}

func TestPresetsKeepTheirListsInOrder(t *testing.T) {
	for _, id := range catalog.IDs() {
		p, _ := catalog.Lookup(id)
		for name, list := range map[string][]string{"request": p.Headers.Request, "response": p.Headers.Response, "privileged": p.Headers.Privileged} {
			if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
				t.Errorf("%s: %s: the names are not sorted, or one is there twice", id, name)
			}
			for _, entry := range list {
				if base, _ := strings.CutSuffix(entry, "*"); http.CanonicalHeaderKey(base) != base {
					t.Errorf("%s: %s: %s is not in canonical form", id, name, entry)
				}
			}
		}
	}
}

// Where beginnings of names are listed, CORS lets a page send any name. A page that works with the preset should not need that.
func TestPresetsWriteOutTheHeadersThatPagesSend(t *testing.T) {
	for _, id := range catalog.IDs() {
		p, _ := catalog.Lookup(id)
		if _, whole := p.Headers.RequestFilter().Names(); !whole {
			t.Errorf("%s lists beginnings of request headers", id)
		}
	}
}

func TestNoPresetListsWhatActsForSomebodyElse(t *testing.T) {
	for _, id := range catalog.IDs() {
		p, _ := catalog.Lookup(id)
		request, response := p.Headers.RequestFilter(), p.Headers.ResponseFilter()
		for _, name := range []string{
			"Cookie", "Origin", "Referer", "Authorization", "X-Api-Key", "X-Goog-Api-Key", "X-Forwarded-For", "X-Http-Method-Override", "As-User", "Stripe-Account",
			"X-Goog-User-Project", "Dropbox-Api-Select-User", "Sudo", "Mscrmcallerid", "X-Ms-Copy-Source-Authorization", "Ocp-Apim-Subscription-Key",
		} {
			if request.Passes(name) {
				t.Errorf("%s: %s is sent", id, name)
			}
		}
		for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Origin", "Strict-Transport-Security", "X-Accel-Redirect", "Clear-Site-Data", "Alt-Svc", "Refresh"} {
			if response.Passes(name) {
				t.Errorf("%s: %s comes back", id, name)
			}
		}
	}
}
