package tokenstore

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/catalog"
)

// defaultPreset knows no provider.
const defaultPreset = "generic"

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
