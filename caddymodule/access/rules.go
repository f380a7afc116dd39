package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/accesslog"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/jwt"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/problem"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

// everyone is the name that stands for all keys, or for all users.
const everyone = "*"

// keyring is what the rules need of a *callerkey.Keys.
type keyring interface {
	Find(presented string) (callerkey.Identity, bool)
}

// rules say who a caller has to be.
type rules struct {
	local, anyone bool
	uids          uids
	keys, users   []string
	issuers       []verifier
	keyring       func() (keyring, error) // asked at each request: the store opens late
}

// verifier is what the rules need of a *jwt.Verifier.
type verifier interface {
	Verify(ctx context.Context, raw string) (name string, ok bool, err error)
}

func newRules(a Allow, keys func() (keyring, error), log *zap.Logger) (rules, error) {
	named, errKeys := keyNames(a.Keys)
	users, errUsers := names("allow user", a.Users)
	uids, errUIDs := newUIDs(a.LocalUIDs)
	problems := []error{errKeys, errUsers, errUIDs}
	if a.Local && len(a.LocalUIDs) > 0 {
		problems = append(problems, errors.New("allow local: it lets processes of every user in, and allow local uid those of certain ones; take one of them away"))
	}
	r := rules{local: a.Local, uids: uids, anyone: a.Anyone, keys: named, users: users, keyring: keys}
	for _, issuer := range a.JWT {
		v, err := issuer.Provision(jwt.Options{Log: log})
		if err != nil {
			problems = append(problems, fmt.Errorf("allow jwt: %w", err))
			continue
		}
		r.issuers = append(r.issuers, v)
	}
	return r, errors.Join(problems...)
}

// names returns the names of a rule with their placeholders replaced.
func names(rule string, written []string) ([]string, error) {
	known, err := placeholder.ReplaceAll(written)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rule, err)
	}
	if slices.Contains(known, "") {
		return nil, fmt.Errorf("%s: a name is empty; nobody has it", rule)
	}
	return known, nil
}

// keyNames does the same for keys, and refuses a name that no key can have.
func keyNames(written []string) ([]string, error) {
	known, err := names("allow key", written)
	if err != nil {
		return nil, err
	}
	for _, name := range known {
		if name == everyone {
			continue
		}
		if err := callerkey.ValidateName(name); err != nil {
			return nil, fmt.Errorf("allow key: %w", err)
		}
	}
	return known, nil
}

// any reports whether there is a rule at all.
func (g rules) any() bool { return g.local || len(g.uids) > 0 || g.identifyPages() }

// identifyPages reports whether a page has to be more than one of an allowed origin.
func (g rules) identifyPages() bool {
	return g.anyone || len(g.keys) > 0 || len(g.users) > 0 || len(g.issuers) > 0
}

// identify finds the rule by which c may use the route, and completes c. pages says whether there are
// pages that may.
func (g rules) identify(c *Caller, r *http.Request, pages bool) *problem.Problem {
	if found, err := g.byKey(c, r); found || err != nil {
		return err
	}
	byToken, unknown := g.byToken(c, r)
	switch {
	case byToken:
	case g.byUser(c, r):
	case g.byProcess(c, r):
	case g.anyone:
		c.kind = callerAnyone
	case unknown:
		return problem.IssuerUnavailable()
	default:
		return g.refusal(pages)
	}
	return nil
}

// byToken reports whether r has a token of one of the issuers. unknown says that one of them cannot be asked.
func (g rules) byToken(c *Caller, r *http.Request) (found, unknown bool) {
	if len(g.issuers) == 0 {
		return false, false
	}
	scheme, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, isKey := accesslog.BearerOf(r); isKey || raw == "" || !strings.EqualFold(scheme, "Bearer") {
		return false, false
	}
	for _, issuer := range g.issuers {
		name, ok, err := issuer.Verify(r.Context(), strings.TrimSpace(raw))
		if ok && err == nil {
			c.kind, c.Name = callerJWT, name
			return true, false
		}
		unknown = unknown || err != nil
	}
	return false, unknown
}

// byKey reports whether r has a key that the route is for.
func (g rules) byKey(c *Caller, r *http.Request) (bool, *problem.Problem) {
	if len(g.keys) == 0 {
		return false, nil
	}
	presented := keyOf(r)
	if presented == "" {
		return false, nil
	}
	ring, err := g.keyring()
	if err != nil {
		return false, problem.StoreUnavailable()
	}
	identity, ok := ring.Find(presented)
	if !ok || !lists(g.keys, identity.Name) {
		return false, nil
	}
	c.kind, c.Name, c.scope = callerKey, identity.Name, &identity.Scope
	if identity.Grant {
		c.kind = callerGrant
	}
	return true, nil
}

// byUser reports whether an authentication handler has recognised a user that the route is for.
func (g rules) byUser(c *Caller, r *http.Request) bool {
	if len(g.users) == 0 {
		return false
	}
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if repl == nil {
		return false
	}
	id, _ := repl.GetString("http.auth.user.id")
	if id == "" || !lists(g.users, id) {
		return false
	}
	c.kind, c.Name = callerUser, id
	return true
}

// byProcess reports whether a process of this machine sent r that the route is for.
func (g rules) byProcess(c *Caller, r *http.Request) bool {
	if !c.local || c.Browser {
		return false
	}
	name, listed := g.uids.of(r)
	if !g.local && !listed {
		return false
	}
	c.kind, c.Name = callerLocal, name
	return true
}

func lists(names []string, name string) bool {
	return slices.Contains(names, name) || slices.Contains(names, everyone)
}

// refusal says who may use the route, to somebody who may not.
func (g rules) refusal(pages bool) *problem.Problem {
	switch {
	case len(g.keys) > 0 || len(g.issuers) > 0:
		return problem.CredentialsNeeded()
	case len(g.users) > 0:
		return problem.CallerNotAllowed("Only certain users may use this route, and the request is not of one of them.")
	case len(g.uids) > 0:
		return problem.CallerNotAllowed("Only processes of certain users of the server's own machine may use this route, through its unix socket.")
	case g.local:
		return problem.CallerNotAllowed("Only processes on the server's own machine may use this route.")
	case pages:
		return problem.CallerNotAllowed("Only web pages of the allowed origins may use this route. With allow local, programs of the server's own machine may too.")
	}
	return problem.CallerNotAllowed("Nobody may use this route in this way.")
}
