package caddymodule

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// settings is what the configuration says: complete, valid, and with the
// secrets that no exported field may have.
type settings struct {
	path               string // of the database, absolute and clean
	key                seal.Key
	metricsConnections int
	providers          []*tokenstore.Provider
	byName             map[string]*tokenstore.Provider
}

// resolve reads the configuration. The error tells all that is wrong with it.
func (a *App) resolve() (settings, error) {
	s := settings{
		metricsConnections: cmp.Or(a.MetricsConnections, metrics.DefaultConnectionSeries),
		byName:             make(map[string]*tokenstore.Provider, len(a.Providers)),
	}
	var problems []error
	add := func(e *tokenstore.ConfigError) {
		if e != nil {
			problems = append(problems, fmt.Errorf("%s.%w", tokenapp.Name, e))
		}
	}
	var problem *tokenstore.ConfigError
	s.path, problem = a.Storage.databasePath()
	add(problem)
	s.key, problem = parseEncryptionKey(a.EncryptionKey)
	add(problem)
	if a.MetricsConnections < 0 {
		add(&tokenstore.ConfigError{Field: "metrics_connections", Problem: "it is negative; leave it out for the default"})
	}
	problems = append(problems, s.addProviders(a.Providers)...)
	return s, errors.Join(problems...)
}

// addProviders returns all that is wrong with them.
func (s *settings) addProviders(configs []*ProviderConfig) (problems []error) {
	resolve := resolveNow(caddy.NewReplacer())
	for i, c := range configs {
		at := fmt.Sprintf("%s.providers[%d]", tokenapp.Name, i)
		if c == nil {
			problems = append(problems, fmt.Errorf("%s: it is null; write an object", at))
			continue
		}
		if _, taken := s.byName[c.Name]; taken {
			problems = append(problems, fmt.Errorf("%s.name: %q is the name of another provider; give each its own", at, c.Name))
		}
		provider, wrong := c.build(resolve)
		for _, e := range wrong {
			problems = append(problems, fmt.Errorf("%s.%s (provider %q): %s", at, jsonName(e.Field), c.Name, e.Problem))
		}
		s.providers = append(s.providers, provider)
		s.byName[c.Name] = provider
	}
	return problems
}
