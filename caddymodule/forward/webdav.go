package forward

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/access"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
)

// targetHeader is where WebDAV's COPY and MOVE have the address of what they make (RFC 4918 section 10.3).
const targetHeader = "Destination"

// checkTargetHeader points the Destination of r to the API, if it is one that goes on, or says why it must not go there.
func checkTargetHeader(r *http.Request, caller access.Caller, f *forwarding) *problem.Problem {
	if r.Header[targetHeader] == nil || !f.passing.request.Passes(targetHeader) {
		return nil
	}
	path, ok := pointTarget(r, f)
	if !ok {
		return problem.BadRequest("The Destination is no address of this route, or can be read in more than one way.")
	}
	return caller.MayUse(r, access.Use{Connection: f.id, Method: r.Method, Path: path})
}

// pointTarget makes the Destination of r, which names a path of the route, one of the API, and returns the path that keys are checked
// with. r is about to be forwarded as f says. ok is false if the address leads elsewhere.
func pointTarget(r *http.Request, f *forwarding) (path string, ok bool) {
	asked, ok := pathOfSite(r)
	if !ok || checkPath(asked) != nil {
		return "", false
	}
	prefix, ok := redirect{asked: r, inner: f.asked}.prefix()
	if !ok {
		return "", false
	}
	inner, ok := strings.CutPrefix(asked, prefix)
	if !ok || !strings.HasPrefix(inner, "/") {
		return "", false
	}
	host, rest := f.provider.HostFor(inner)
	if host.URL != f.host.URL { // nothing is moved between two servers
		return "", false
	}
	r.Header[targetHeader] = []string{host.URL.String() + rest}
	return rest, true
}

// pathOfSite returns the path, escaped, of the one address at this site that stands in the Destination of r.
func pathOfSite(r *http.Request) (path string, ok bool) {
	values := r.Header[targetHeader]
	if len(values) != 1 {
		return "", false
	}
	u, err := url.Parse(values[0])
	if err != nil || u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(values[0], "#") {
		return "", false
	}
	switch u.Scheme {
	case "":
		ok = u.Host == ""
	case "http", "https":
		ok = strings.EqualFold(u.Host, r.Host)
	}
	path = u.EscapedPath()
	// What net/url would have to write in another way is not what the client wrote.
	return path, ok && path != "" && strings.HasSuffix(values[0], path)
}
