package tokenstore

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/catalog"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// endpoints reads where the authorization server is.
func (b *builder) endpoints() {
	c, e := b.config, &b.p.endpoint
	e.TokenURL = b.url("token_url", cmp.Or(c.TokenURL, b.preset.TokenURL), true)
	e.AuthorizeURL = b.url("authorize_url", cmp.Or(c.AuthorizeURL, b.preset.AuthorizeURL), b.p.grant == GrantAuthorizationCode)
	e.RefreshURL = b.url("refresh_url", cmp.Or(c.RefreshURL, b.preset.RefreshURL), false)
	b.p.tokenHost = originOf(cmp.Or(e.RefreshURL, e.TokenURL))
	e.Private = c.Private
	e.RevokeURL = b.url("revoke_url", cmp.Or(c.RevokeURL, b.preset.RevokeURL), false)
	if b.preset.RevokeStyle == catalog.RevokeBearer {
		e.RevokeStyle = oauth.RevokeBearer
	}
}

// originOf returns the scheme, host and port of a URL, written in one way only.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "" // it has been told already
	}
	return u.Scheme + "://" + strings.ToLower(withoutPort(u.Scheme, u.Host))
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

// dialect reads how it wants to be spoken to.
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
