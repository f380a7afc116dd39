package jwt

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
)

// Issuer says which tokens of an issuer let a caller in. Placeholders such as `{env.AUDIENCE}` are replaced in all
// values when the configuration is loaded.
type Issuer struct {
	// The issuer, exactly as its tokens name it in `iss`: an https URL, or an http URL of this machine. Its keys are
	// found through the discovery document below it, `/.well-known/openid-configuration`.
	Issuer string `json:"issuer"`
	// Whom a token must be meant for: `aud` has to have one of these. At least one is needed, since an issuer
	// gives tokens for other services too.
	Audiences []string `json:"audiences"`
	// Claims that must be there, and the values of which each must have one. A claim that is an array has all of its
	// elements; `scope` and `scp` have those that spaces separate. `true` and `false` stand for booleans too. A dot leads into a claim that
	// is an object (`realm_access.roles`), unless there is a claim of that whole name.
	Require map[string][]string `json:"require,omitempty"`
	// The claim that names the caller, such as `oid` or `client_id`. A name is unique among the tokens of
	// this issuer only. Default: `sub`
	Name string `json:"name,omitempty"`
	// Let the issuer be in a private network, or on this machine. Without it, its keys are fetched from public addresses
	// only, whatever names stand for in the DNS, unless the issuer has an IP address or `localhost` for a host.
	Private bool `json:"private,omitempty"`
}

// Options are what a Verifier works with. The zero value is good for production, apart from a silent log.
type Options struct {
	// Client asks the issuer for its keys. Of its settings, only the transport is used; it must verify TLS. nil means
	// a transport of the Verifier's own, which keeps no connection open.
	Client *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log hears, at most once a minute, that the issuer's keys cannot be had, and at level debug why tokens are refused. No
	// message holds a part of a token.
	Log *zap.Logger
}

const defaultName = "sub"

// Provision validates i and returns a Verifier for it. The error tells all that is wrong. Nothing is sent to the issuer:
// that it is down is no mistake in a configuration.
func (i Issuer) Provision(o Options) (*Verifier, error) {
	r, err := i.rules()
	if err != nil {
		return nil, err
	}
	return newVerifier(r, o), nil
}

// rules replaces the placeholders of i and validates what comes out.
func (i Issuer) rules() (rules, error) {
	r := rules{name: i.Name, private: i.Private, require: make(map[string][]string, len(i.Require))}
	if r.name == "" {
		r.name = defaultName
	}
	var problems []error
	known, err := placeholder.ReplaceAll([]string{i.Issuer})
	if err == nil {
		r.issuer = known[0]
		err = checkIssuer(r.issuer)
	}
	if err != nil {
		problems = append(problems, fmt.Errorf("issuer: %w", err))
	}
	if r.audiences, err = replaceValues(i.Audiences); err != nil {
		problems = append(problems, fmt.Errorf("audience: %w; write audience <name>, as the tokens for this service have it in aud", err))
	}
	for _, claim := range slices.Sorted(maps.Keys(i.Require)) {
		if r.require[claim], err = replaceValues(i.Require[claim]); err == nil && claim == "" {
			err = errors.New("the name of the claim is missing")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("require %s: %w; write require <claim> <value...>", claim, err))
		}
	}
	return r, errors.Join(problems...)
}

// replaceValues returns values with their placeholders replaced. There must be one, and none may be empty: an
// empty one would match a claim that is empty.
func replaceValues(values []string) ([]string, error) {
	if len(values) == 0 {
		return nil, errors.New("there is none")
	}
	known, err := placeholder.ReplaceAll(values)
	if err == nil && slices.Contains(known, "") {
		err = errors.New("one is empty")
	}
	return known, err
}

// checkIssuer reports whether raw can be an issuer.
func checkIssuer(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("the URL is missing; write it as the tokens have it in iss, such as https://login.example.com")
	case err != nil || u.Hostname() == "":
		return fmt.Errorf("%q is no absolute URL; write it as the tokens have it in iss, such as https://login.example.com", raw)
	case u.User != nil || strings.ContainsAny(raw, "?#"):
		return errors.New("the URL may have no user information, query or fragment; take them away")
	case !isSafe(u):
		return fmt.Errorf("%q: use https; http is for localhost, 127.0.0.0/8 and [::1] only", raw)
	}
	return nil
}

// isSafe reports whether nobody but the server itself can say what comes from u. Whoever else could might be any caller.
func isSafe(u *url.URL) bool {
	return u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && ip.IsLoopback()
}
