package connect

import (
	"net/url"
	"strings"
	"testing"
)

// hostileReturns are ways to leave the site, or to come near it.
func hostileReturns() []string {
	const evil = "evil.example"
	list := []string{
		"", " ", "app", "./app", "../app", "?a", "#a", "http:", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "mailto:a@b",
		"http://" + evil, "https://" + evil, "HTTPS://" + evil, "http:" + evil, "http:/" + evil, "https:" + evil, "ftp://" + evil, "blob:https://" + evil,
		"/a/../b", "/..", "/a/..;/b", "/%2e%2e/a", "/%2E./a", "/%252e%252e/a", "/a%zz", "/%", "/a#b", "/a?b#c", "/user@" + evil, "/a b", "/a\"b", "/<script>", "/a?<b",
		"/" + strings.Repeat("a", maxReturnTo), "/\u2028", "/caf\u00e9", "/\ufeff", "/%ff%fe//", "/a%5", "/%25252525252561",
	}
	// What begins a host for one parser or another, in each layer of escaping.
	for _, slash := range []string{"/", "\\", "%2f", "%2F", "%5c", "%5C", "%252f", "%255c", "%25252f"} {
		for _, between := range []string{"", "\t", "\n", "\r", "\x00", "\x0b", "%09", "%0a", "%0d", "%00", "%2509"} {
			for _, end := range []string{evil, "/" + evil, "a/.." + "//" + evil} {
				list = append(list, "/"+between+slash+end, between+"/"+slash+end, slash+between+slash+end)
			}
			list = append(list, "/app/"+between+slash+evil)
		}
	}
	return list
}

func TestReturnToStaysOnTheSite(t *testing.T) {
	hostile := hostileReturns()
	for _, s := range hostile { // the same behind something harmless
		hostile = append(hostile, "/app//"+s, "//"+s)
	}
	if len(hostile) < 600 {
		t.Fatalf("only %d cases", len(hostile))
	}
	for _, s := range hostile {
		if isReturnTo(s) {
			t.Errorf("%q is let through", s)
		}
	}
	for _, s := range []string{"/", "/app", "/app/", "/app/view", "/app?tab=1&x=a%20b", "/a%20b", "/caf%C3%A9", "/a;b", "/a.b/c..d", "/app?to=https://x.example/", "/~me"} {
		if !isReturnTo(s) {
			t.Errorf("%q is refused", s)
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, s := range hostileReturns() {
		f.Add(s)
	}
	f.Add("/app?tab=1")
	base := &url.URL{Scheme: "https", Host: "site.example", Path: "/connect/callback/p"}
	f.Fuzz(func(t *testing.T, s string) {
		if !isReturnTo(s) {
			return
		}
		// As a browser reads it: backslashes are slashes, and white space is dropped.
		asBrowser := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(s)
		for _, form := range []string{s, asBrowser} {
			u, err := base.Parse(form)
			if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || u.User != nil {
				t.Errorf("%q leads to %v (%v)", form, u, err)
			}
		}
		if strings.ContainsAny(s, "\r\n\x00") {
			t.Errorf("%q splits a header", s)
		}
	})
}
