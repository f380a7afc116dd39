package tokenstore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/catalog"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/methods"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// Defaults of a provider.
const (
	defaultPreset        = "generic"
	defaultLead          = 5 * time.Minute
	defaultMinInterval   = 30 * time.Second
	defaultMaxConcurrent = 4
	defaultMaxPerSecond  = 20
)

// NewProvider validates c and fills in what its preset says. All problems are
// returned at once, as *ConfigError values joined by errors.Join.
func NewProvider(c ProviderConfig) (*Provider, error) {
	b := builder{config: c}
	b.usePreset()
	b.identity()
	b.endpoints()
	b.dialect()
	b.api()
	b.passing()
	b.timings()
	if len(b.problems) > 0 {
		return nil, errors.Join(b.problems...)
	}
	b.p.fingerprint = b.fingerprint()
	return &b.p, nil
}

// builder makes a provider and collects what is wrong with it.
type builder struct {
	config   ProviderConfig
	preset   catalog.Preset
	inject   InjectConfig // of hosts that say nothing of it
	p        Provider
	problems []error
}

func (b *builder) problem(field, format string, args ...any) {
	b.problems = append(b.problems, &ConfigError{Field: field, Problem: fmt.Sprintf(format, args...)})
}

func (b *builder) usePreset() {
	name := cmp.Or(b.config.Preset, defaultPreset)
	preset, known := catalog.Lookup(name)
	if !known {
		b.problem("preset", "there is no preset %q; there are %s", clip(name), strings.Join(catalog.IDs(), ", "))
		preset, _ = catalog.Lookup(defaultPreset)
	}
	b.preset = preset
	b.p.preset = name
}

func (b *builder) identity() {
	c := b.config
	if err := ValidateProviderName(c.Name); err != nil {
		b.problem("name", "%v", err)
	}
	b.p.name = c.Name
	b.p.grant = cmp.Or(c.Grant, GrantAuthorizationCode)
	if b.p.grant != GrantAuthorizationCode && b.p.grant != GrantClientCredentials {
		b.problem("grant", "unknown grant %q; use authorization_code or client_credentials", clip(string(c.Grant)))
	}
	b.p.endpoint.ClientID = strings.TrimSpace(c.ClientID)
	if b.p.endpoint.ClientID == "" {
		b.problem("client_id", "it is empty; register an app with the provider and give its client id%s", b.where())
	}
	b.p.endpoint.ClientSecret = c.ClientSecret
	if c.ClientSecret.IsZero() && b.p.grant == GrantClientCredentials {
		b.problem("client_secret", "it is empty; the client_credentials grant needs one")
	}
	for _, s := range c.Scopes {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }) {
			b.problem("scopes", "%q is no scope (RFC 6749 section 3.3)", clip(s))
		}
	}
	b.p.endpoint.Scopes = slices.Clone(c.Scopes)
	b.p.issuer = c.Issuer
}

func (b *builder) where() string {
	if b.preset.DocsURL == "" {
		return ""
	}
	return " (" + b.preset.DocsURL + ")"
}

func (b *builder) endpoints() {
	c, e := b.config, &b.p.endpoint
	e.TokenURL = b.url("token_url", cmp.Or(c.TokenURL, b.preset.TokenURL), true)
	e.AuthorizeURL = b.url("authorize_url", cmp.Or(c.AuthorizeURL, b.preset.AuthorizeURL), b.p.grant == GrantAuthorizationCode)
	e.RefreshURL = b.url("refresh_url", cmp.Or(c.RefreshURL, b.preset.RefreshURL), false)
	e.Private = c.Private
	e.RevokeURL = b.url("revoke_url", cmp.Or(c.RevokeURL, b.preset.RevokeURL), false)
	if b.preset.RevokeStyle == catalog.RevokeBearer {
		e.RevokeStyle = oauth.RevokeBearer
	}
}

// url checks an endpoint's URL.
func (b *builder) url(field, raw string, needed bool) string {
	switch {
	case raw == "" && needed:
		b.problem(field, "it is missing, and the preset %s does not know it%s", b.p.preset, b.forgottenPreset())
	case raw != "":
		if err := oauth.CheckURL(raw); err != nil {
			b.problem(field, "%v", err)
		}
	}
	return raw
}

// forgottenPreset says what to write if the provider is named like a preset, and has none.
func (b *builder) forgottenPreset() string {
	if _, known := catalog.Lookup(b.config.Name); !known || b.config.Preset != "" || b.config.Name == defaultPreset {
		return ""
	}
	return fmt.Sprintf("; for the preset %[1]s, write it behind the name: provider %[1]s %[1]s", b.config.Name)
}

func (b *builder) dialect() {
	c, e := b.config, &b.p.endpoint
	switch auth := cmp.Or(c.ClientAuth, string(b.preset.ClientAuth)); auth {
	case "params":
		e.AuthStyle = oauth.AuthParams
	case "header":
		e.AuthStyle = oauth.AuthHeader
	case "none":
		e.AuthStyle = oauth.AuthNone
	default:
		b.problem("client_auth", "unknown way %q; use params, header or none", clip(auth))
	}
	if c.ClientAuth == "" && c.ClientSecret.IsZero() {
		e.AuthStyle = oauth.AuthNone // a public client
	}
	switch body := cmp.Or(c.TokenBody, string(b.preset.TokenBody)); body {
	case "form":
		e.BodyFormat = oauth.BodyForm
	case "json":
		e.BodyFormat = oauth.BodyJSON
	default:
		b.problem("token_body", "unknown format %q; use form or json", clip(body))
	}
	switch c.PKCE {
	case "":
		e.NoPKCE = b.preset.PKCE == catalog.PKCERefused
	case "on", "off":
		e.NoPKCE = c.PKCE == "off"
	default:
		b.problem("pkce", "%q is neither on nor off", clip(c.PKCE))
	}
	e.ScopeSeparator = cmp.Or(c.ScopeSeparator, b.preset.ScopeSeparator)
	e.AuthorizeParams = params(b.preset.AuthorizeParams, c.AuthorizeParams)
	e.TokenParams = params(b.preset.TokenParams, c.TokenParams)
	e.RefreshParams = params(b.preset.RefreshParams, c.RefreshParams)
	e.DeadCodes = slices.Concat(b.preset.DeadCodes, c.DeadCodes)
}

// params lays own over preset; an empty value takes a parameter away.
func params(preset, own map[string]string) map[string]string {
	out := maps.Clone(preset)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, own)
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}

func (b *builder) api() {
	b.inject = b.config.Inject.or(presetInject(b.preset.Inject))
	if err := b.inject.check(); err != nil {
		b.problem("inject", "%v", err)
	}
	for _, h := range b.preset.Hosts {
		b.host(HostConfig{Name: h.Name, URL: h.URL, Paths: h.Paths, Inject: presetInject(h.Inject)}, false)
	}
	for _, h := range b.config.Hosts {
		b.host(h, true)
	}
	b.oneInjectAnURL()
	var urls []string
	for _, h := range b.p.hosts {
		urls = append(urls, h.URL.String())
	}
	b.p.dials = dial.NewPolicy(b.config.Private, urls...)
	b.p.sockets = b.preset.WebSocket
}

// oneInjectAnURL refuses two ways to send the token to one URL: it is by the URL that the way is found.
func (b *builder) oneInjectAnURL() {
	for i, h := range b.p.hosts {
		for _, other := range b.p.hosts[:i] {
			if other.Address == h.Address && other.URL.Path == h.URL.Path && other.Inject != h.Inject {
				b.problem("host", "%s and %s have one URL and different inject; give them the same, or a path that tells them apart", clip(other.Name), clip(h.Name))
			}
		}
	}
}

// presetInject translates what a preset says.
func presetInject(i catalog.Inject) InjectConfig {
	return InjectConfig{Header: i.Header, Value: i.Value, BasicUser: i.Basic}
}

// passing reads what may go on between a client and the API.
func (b *builder) passing() {
	c := b.config
	for _, name := range c.RequestHeaders {
		if err := headers.CheckRequest(name); err != nil {
			b.problem("request_header", "%v", err)
		} else if headers.IsForwarding(http.CanonicalHeaderKey(name)) {
			b.problem("request_header", "%q tells about the way to a route: let it pass there, with pass_header", clip(name))
		}
	}
	for _, name := range c.ResponseHeaders {
		if err := headers.CheckResponse(name); err != nil {
			b.problem("response_header", "%v", err)
		}
	}
	for _, method := range c.Methods {
		if err := methods.Check(method); err != nil {
			b.problem("methods", "%v", err)
		}
	}
	b.p.headers = b.preset.Headers.With(headers.Rules{Request: c.RequestHeaders, Response: c.ResponseHeaders})
	b.p.methods = methods.Standard()
	for _, method := range slices.Concat(b.preset.Methods, c.Methods) {
		if !slices.Contains(b.p.methods, method) {
			b.p.methods = append(b.p.methods, method)
		}
	}
}

// host adds a host, or replaces the one of that name; what the preset knows of its paths
// stays true when only the address is another.
func (b *builder) host(c HostConfig, own bool) {
	if err := oauth.CheckURL(c.URL); err != nil {
		b.problem("host", "%s: %v", clip(c.Name), err)
		return
	}
	u, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil || u.RawQuery != "" {
		b.problem("host", "%s: it must be scheme, host and path alone", clip(c.Name))
		return
	}
	if own && (c.Name == "" || strings.ContainsAny(c.Name, "/%?#")) {
		b.problem("host", "%q is no name for a host; it is to be the first segment of a path", clip(c.Name))
		return
	}
	inject := c.Inject.or(b.inject)
	if err := inject.check(); err != nil {
		b.problem("host", "%s: inject: %v", clip(c.Name), err)
		return
	}
	h := Host{Name: c.Name, URL: u, Address: address(u), Inject: newInject(inject), paths: slices.Clone(c.Paths)}
	i := slices.IndexFunc(b.p.hosts, func(h Host) bool { return h.Name == c.Name })
	if i < 0 {
		b.p.hosts = append(b.p.hosts, h)
		return
	}
	if c.Paths == nil {
		h.paths = b.p.hosts[i].paths
	}
	if c.Inject.isZero() {
		h.Inject = b.p.hosts[i].Inject
	}
	b.p.hosts[i] = h
}

// address returns host:port of u, with the scheme's own port if u has none.
func address(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "http":
		return u.Host + ":80"
	}
	return u.Host + ":443"
}

func (b *builder) timings() {
	c := b.config
	b.p.policy = c.Refresh
	if c.Refresh.Mode == "" {
		b.p.policy.Mode = RefreshEager
	}
	if err := b.p.policy.validate(); err != nil {
		b.problem("refresh", "%v", err)
	}
	b.p.lead = b.duration("lead", c.Lead, defaultLead)
	b.p.assumeTTL = b.duration("assume_ttl", c.AssumeTTL, 0)
	b.p.sleepAfter = b.duration("sleep_after", c.SleepAfter, 0)
	b.p.minInterval = b.duration("min_refresh_interval", c.MinRefreshInterval, defaultMinInterval)
	b.p.maxConcurrent = cmp.Or(c.MaxConcurrent, defaultMaxConcurrent)
	if c.MaxConcurrent < 0 || c.MaxConcurrent > 1000 {
		b.problem("max_concurrent", "%d is not between 1 and 1000", c.MaxConcurrent)
	}
	b.p.maxPerSecond = cmp.Or(c.MaxPerSecond, defaultMaxPerSecond)
	if !(b.p.maxPerSecond > 0 && b.p.maxPerSecond <= 1e6) {
		b.problem("max_per_second", "%v is not above 0 and at most 1000000", c.MaxPerSecond)
	}
}

// duration checks a setting; nobody means a negative one, or one of centuries.
func (b *builder) duration(field string, d, byDefault time.Duration) time.Duration {
	const most = 10 * 365 * 24 * time.Hour
	if d < 0 || d > most {
		b.problem(field, "%s is not a duration between 0 and ten years", d)
	}
	return cmp.Or(d, byDefault)
}

// fingerprint is a digest of the whole configuration, with the secret inside
// the digest only.
func (b *builder) fingerprint() string {
	enc, err := json.Marshal(b.config)
	if err != nil {
		return ""
	}
	h := sha256.New()
	h.Write(enc)
	h.Write([]byte(b.config.ClientSecret.Reveal()))
	return hex.EncodeToString(h.Sum(nil))
}
