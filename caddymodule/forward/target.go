package forward

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/urlpath"
)

// checkTarget refuses a request target, as it was on the wire, that our side and the API could
// read in different ways. orig is r as it arrived, before the route made what it is of its path. The query is
// only looked at for what no query may hold.
func checkTarget(r, orig *http.Request) error {
	for i := range len(orig.RequestURI) {
		// HTTP/2 lets blanks through, and with one in it the request line that goes upstream is none.
		if c := orig.RequestURI[i]; c == '#' || c <= ' ' || c == 0x7f {
			return fmt.Errorf("%w: it has a raw #, a blank or a control byte", errForwardPath)
		}
	}
	path, err := targetPath(orig, r.Host)
	if err != nil {
		return err
	}
	if err := checkPath(path); err != nil {
		return err
	}
	return checkStripped(path, r.URL.Path)
}

// targetPath returns the path of a request target, still escaped. The target has to be a path, or a URL
// of this very server (RFC 9112 section 3.2). There are others that net/url makes
// something of: "x:y" is a URL without a path, and would go upstream as "y".
func targetPath(orig *http.Request, host string) (string, error) {
	path, _, _ := strings.Cut(orig.RequestURI, "?")
	if strings.HasPrefix(path, "/") {
		return path, nil
	}
	u := orig.URL
	if u == nil || u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.User != nil {
		return "", fmt.Errorf("%w: the target is neither a path nor a URL", errForwardPath)
	}
	// HTTP/1 has the Host from the URL, HTTP/2 has not.
	if u.Host == "" || u.Host != host {
		return "", fmt.Errorf("%w: the target names another server than the Host", errForwardPath)
	}
	_, rest, _ := strings.Cut(path, "://")
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		return rest[slash:], nil
	}
	return "", nil
}

// checkPath refuses a path that our side and the API could read in different ways.
func checkPath(escaped string) error {
	if escaped != "" && escaped[0] != '/' {
		return fmt.Errorf("%w: it does not begin with a slash", errForwardPath)
	}
	if err := urlpath.CheckOneSpelling(escaped); err != nil {
		return fmt.Errorf("%w: %w", errForwardPath, err)
	}
	return nil
}

// checkStripped refuses a path of which the route has stripped a prefix that was written with escapes
// of characters that need none (RFC 3986 section 6.2.2.2). Caddy sees through them; whoever
// stands before it and tells routes apart by their prefixes may not.
func checkStripped(escaped, left string) error {
	if !strings.Contains(escaped, "%") {
		return nil
	}
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return fmt.Errorf("%w: it has an invalid escape", errForwardPath)
	}
	if !strings.HasSuffix(path, left) {
		return nil // the route has written another path
	}
	for stripped := len(path) - len(left); stripped > 0; stripped-- {
		if escaped[0] != '%' {
			escaped = escaped[1:]
			continue
		}
		if octet, _ := url.PathUnescape(escaped[:3]); isUnreserved(octet[0]) {
			return fmt.Errorf("%w: its prefix is written with needless escapes", errForwardPath)
		}
		escaped = escaped[3:]
	}
	return nil
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
