package callerkey

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a scope and of a key's name.
const (
	maxName    = 64
	maxEntries = 100 // in each list of a scope
	maxEntry   = 512 // bytes
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// ValidateName returns an error that wraps ErrInvalid if no key can have the name: it allows what may stand in a URL path
// and in a log without a second look.
func ValidateName(name string) error {
	const remedy = "use 1 to 64 lower-case letters, digits, - and _, beginning with a letter or digit"
	if name == "" || len(name) > maxName {
		return invalid("name of %d bytes: %s", len(name), remedy)
	}
	for i, r := range name {
		letterOrDigit := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !letterOrDigit && (i == 0 || r != '-' && r != '_') {
			return invalid("name %q: %s", name, remedy)
		}
	}
	return nil
}

func (s Scope) validate() error {
	if len(s.Connections) == 0 {
		return invalid("scope: it has no connection; name at least one, such as dropbox-demo/auth")
	}
	lists := []struct {
		what     string
		entries  []string
		validate func(string) error
	}{
		{"connection", s.Connections, validateConnection},
		{"method", s.Methods, validateMethod},
		{"path", s.Paths, validatePath},
		{"origin", s.Origins, validateOrigin},
	}
	for _, list := range lists {
		if err := validateList(list.what, list.entries, list.validate); err != nil {
			return err
		}
	}
	return nil
}

func validateList(what string, entries []string, validate func(string) error) error {
	if entries != nil && len(entries) == 0 {
		// JSON would make "none" of it, and its encoding "all".
		return invalid("scope: an empty list of %ss would allow nothing; leave it out to allow all", what)
	}
	if len(entries) > maxEntries {
		return invalid("scope: more than %d %ss", maxEntries, what)
	}
	for i, entry := range entries {
		if len(entry) > maxEntry {
			return invalid("%s of %d bytes: the most is %d", what, len(entry), maxEntry)
		}
		if err := validate(entry); err != nil {
			return err
		}
		if slices.Contains(entries[:i], entry) {
			return invalid("scope: the %s %q is there twice", what, entry)
		}
	}
	return nil
}

func validateConnection(c string) error {
	provider, name, found := strings.Cut(c, "/")
	strange := func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }
	switch {
	case !found || provider == "" || name == "" || strings.Contains(name, "/"),
		!utf8.ValidString(c), strings.ContainsFunc(c, strange):
		return invalid("connection %q: write provider/connection, such as dropbox-demo/auth, or provider/* for all of a provider", c)
	case strings.Contains(provider, wildcard), name != wildcard && strings.Contains(name, wildcard):
		return invalid("connection %q: a * stands for all connections of a provider, as in dropbox-demo/*, and for nothing else", c)
	}
	return nil
}

func validateMethod(m string) error {
	if m == "" || strings.ContainsFunc(m, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '-' && r != '_' }) {
		return invalid("method %q: write it in upper case, such as GET", m)
	}
	return nil
}

func validatePath(p string) error {
	fixed := strings.TrimSuffix(p, wildcard)
	strange := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`?#\"<>`, r) }
	switch {
	case !strings.HasPrefix(p, "/"):
		return invalid("path %q: it must begin with a slash", p)
	case strings.Contains(fixed, wildcard):
		return invalid("path %q: a * may stand at the end only; write %%2A for one that is meant literally", p)
	case strings.ContainsFunc(p, strange):
		return invalid("path %q: write it escaped, as it is sent, and without a query", p)
	case mayClimb(fixed):
		return invalid("path %q: it must be well escaped and have no segment . or ..", p)
	}
	return nil
}

// validateOrigin demands what browsers send, so that comparing bytes is enough.
func validateOrigin(o string) error {
	u, err := url.Parse(o)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != o {
		return invalid("origin %q: write scheme://host or scheme://host:port, such as https://app.example.com", o)
	}
	host, port := u.Hostname(), u.Port()
	switch {
	case host == "" || strings.ContainsFunc(o, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`*%,"`, r) }):
		return invalid("origin %q: write one host, with no * and international names as xn--", o)
	case strings.ToLower(o) != o:
		return invalid("origin %q: write it in lower case, as browsers send it", o)
	case u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443":
		return invalid("origin %q: leave the port out; browsers do", o)
	case strings.HasSuffix(u.Host, ":"):
		return invalid("origin %q: there is no port behind the colon", o)
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port) {
		return invalid("origin %q: %q is no port", o, port)
	}
	if ip := net.ParseIP(host); ip != nil && ip.String() != host {
		return invalid("origin %q: write the address as %s", o, ip)
	}
	return nil
}
