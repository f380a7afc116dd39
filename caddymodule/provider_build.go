package caddymodule

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// resolver returns the value that a written setting stands for. If known is
// false there is none: because of problem, or because it is not the time to ask if
// problem is empty.
type resolver func(written string, v placeholder.Visibility) (value string, known bool, problem string)

// resolveNow replaces placeholders, for when the configuration is loaded.
func resolveNow(r *caddy.Replacer) resolver {
	return func(written string, v placeholder.Visibility) (string, bool, string) {
		value, problem := placeholder.Replace(r, written, v)
		return value, problem == "", problem
	}
}

// resolveLater leaves settings with placeholders for later. A Caddyfile may be adapted
// on another machine than the one it is for.
func resolveLater(written string, _ placeholder.Visibility) (string, bool, string) {
	return written, !placeholder.In(written), ""
}

// standIn takes the place of an unknown value, so that everything else about
// its provider can be judged all the same.
const standIn = "https://placeholder.invalid/"

// build makes a provider of c, and returns all that is wrong with it. The
// provider is nil if anything is wrong, or if a value is not known yet.
func (c *ProviderConfig) build(resolve resolver) (*tokenstore.Provider, []*tokenstore.ConfigError) {
	b := builder{resolve: resolve, unknown: map[string]bool{}}
	provider, err := tokenstore.NewProvider(b.config(c))
	for _, e := range configErrors(err) {
		// What is said about a stand-in is of no interest.
		if !b.unknown[e.Field] {
			b.problems = append(b.problems, e)
		}
	}
	if len(b.problems) > 0 || len(b.unknown) > 0 {
		return nil, b.problems
	}
	return provider, nil
}

// builder translates a provider's settings for the engine.
type builder struct {
	resolve  resolver
	unknown  map[string]bool // fields that hold a stand-in
	problems []*tokenstore.ConfigError
}

func (b *builder) config(c *ProviderConfig) tokenstore.ProviderConfig {
	return tokenstore.ProviderConfig{
		Name:               c.Name,
		Preset:             c.Preset,
		Grant:              c.Grant,
		ClientID:           b.text("client_id", c.ClientID),
		ClientSecret:       secret.New(b.value("client_secret", c.ClientSecret, placeholder.Hidden)),
		Scopes:             b.texts("scopes", c.Scopes),
		AuthorizeURL:       b.text("authorize_url", c.AuthorizeURL),
		TokenURL:           b.text("token_url", c.TokenURL),
		RefreshURL:         b.text("refresh_url", c.RefreshURL),
		RevokeURL:          b.text("revoke_url", c.RevokeURL),
		Issuer:             b.text("issuer", c.Issuer),
		ClientAuth:         c.ClientAuth,
		TokenBody:          c.TokenBody,
		PKCE:               c.PKCE,
		ScopeSeparator:     c.ScopeSeparator,
		AuthorizeParams:    b.params("authorize_param", c.AuthorizeParams),
		TokenParams:        b.params("token_param", c.TokenParams),
		RefreshParams:      b.params("refresh_param", c.RefreshParams),
		DeadCodes:          c.DeadCodes,
		Hosts:              b.hosts(c.Hosts),
		Private:            c.Private,
		Inject:             c.Inject.engine(),
		RequestHeaders:     c.RequestHeaders,
		ResponseHeaders:    c.ResponseHeaders,
		Methods:            c.Methods,
		Refresh:            c.Refresh.policy(),
		Lead:               time.Duration(c.Lead),
		AssumeTTL:          time.Duration(c.AssumeTTL),
		SleepAfter:         time.Duration(c.SleepAfter),
		MinRefreshInterval: time.Duration(c.MinRefreshInterval),
		MaxConcurrent:      c.MaxConcurrent,
		MaxPerSecond:       c.MaxPerSecond,
	}
}

func (b *builder) value(field, written string, v placeholder.Visibility) string {
	value, known, problem := b.resolve(written, v)
	if problem != "" {
		b.problems = append(b.problems, &tokenstore.ConfigError{Field: field, Problem: problem})
	}
	if !known {
		b.unknown[field] = true
		return standIn
	}
	return value
}

func (b *builder) text(field, written string) string {
	return b.value(field, written, placeholder.Shown)
}

func (b *builder) texts(field string, written []string) []string {
	values := slices.Clone(written)
	for i := range values {
		values[i] = b.text(field, written[i])
	}
	return values
}

// params treats values as secrets, since some servers take a secret as a parameter of
// their own.
func (b *builder) params(field string, written map[string]string) map[string]string {
	values := maps.Clone(written)
	for name := range values {
		values[name] = b.value(field, written[name], placeholder.Hidden)
	}
	return values
}

func (b *builder) hosts(written []HostConfig) []tokenstore.HostConfig {
	var values []tokenstore.HostConfig
	for _, h := range written {
		values = append(values, tokenstore.HostConfig{Name: h.Name, URL: b.text("host", h.URL), Paths: h.Paths, Inject: h.Inject.engine()})
	}
	return values
}

// configErrors takes what tokenstore.NewProvider returned apart.
func configErrors(err error) []*tokenstore.ConfigError {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*tokenstore.ConfigError
		for _, e := range joined.Unwrap() {
			all = append(all, configErrors(e)...)
		}
		return all
	}
	if e, ok := errors.AsType[*tokenstore.ConfigError](err); ok {
		return []*tokenstore.ConfigError{e}
	}
	return []*tokenstore.ConfigError{{Field: "provider", Problem: err.Error()}}
}
