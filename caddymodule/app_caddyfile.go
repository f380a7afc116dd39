package caddymodule

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
)

func init() {
	httpcaddyfile.RegisterGlobalOption(tokenapp.Name, parseGlobalOption)
}

// parseGlobalOption makes the app of the global option token_store.
func parseGlobalOption(d *caddyfile.Dispenser, earlier any) (any, error) {
	if earlier != nil {
		d.Next()
		return nil, d.Err("token_store is configured twice; put everything into one block")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: tokenapp.Name, Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile reads the global option. Syntax:
//
//	token_store {
//		storage             bolt <path>
//		encryption_key      <key>
//		metrics_connections <count>
//		audit
//		provider <name> [<preset>] {
//			...
//		}
//	}
//
// Everything is optional, and all but provider may be given once. Write secrets
// as {file./path} or {env.NAME}; the database's path may begin with {data_dir}, Caddy's
// data directory. For what a provider's block may have see
// [ProviderConfig.UnmarshalCaddyfile].
//
// Unlike most of Caddy's, this parser tells all problems at once.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the option's name
	var problems []error
	if d.NextArg() {
		problems = append(problems, d.Errf("token_store takes no argument, but a block; unexpected %q", d.Val()))
	}
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		setting := caddyfile.NewDispenser(d.NextSegment())
		setting.Next()
		name := setting.Val()
		if seen[name] && name != "provider" {
			problems = append(problems, setting.Errf("%s is already specified", name))
			continue
		}
		seen[name] = true
		if err := a.unmarshalSetting(name, setting); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (a *App) unmarshalSetting(name string, d *caddyfile.Dispenser) error {
	if name == "provider" {
		return a.unmarshalProvider(d)
	}
	args := d.RemainingArgs()
	if err := directive.NoBlock(d, name); err != nil {
		return err
	}
	switch name {
	case "storage":
		return a.unmarshalStorage(d, args)
	case "encryption_key":
		if len(args) != 1 || args[0] == "" {
			return d.Err("encryption_key takes one argument, such as {file./path} or {env.NAME}")
		}
		a.EncryptionKey = args[0]
		if !placeholder.In(a.EncryptionKey) {
			// A key that is written out can be judged already.
			if _, problem := parseEncryptionKey(a.EncryptionKey); problem != nil {
				return d.WrapErr(problem)
			}
		}
	case "metrics_connections":
		n, err := strconv.Atoi(strings.Join(args, " "))
		if err != nil || n <= 0 {
			return d.Err("metrics_connections takes one number greater than 0")
		}
		a.MetricsConnections = n
	case "audit":
		if len(args) > 0 {
			return d.Err("audit takes no argument")
		}
		a.Audit = true
	default:
		return d.Errf("unknown setting %q of token_store; it may have: audit, encryption_key, metrics_connections, provider, storage", name)
	}
	return nil
}

func (a *App) unmarshalStorage(d *caddyfile.Dispenser, args []string) error {
	if len(args) != 2 || args[0] != backendBolt || args[1] == "" {
		return d.Err("write: storage bolt <path>")
	}
	a.Storage = &StorageConfig{Backend: args[0], Path: args[1]}
	return nil
}

func (a *App) unmarshalProvider(d *caddyfile.Dispenser) error {
	line := caddyfile.NewDispenser(caddyfile.Segment{d.Token()})
	line.Next()
	p := new(ProviderConfig)
	err := p.UnmarshalCaddyfile(caddyfile.NewDispenser(d.NextSegment()))
	taken := p.Name != "" && slices.ContainsFunc(a.Providers, func(other *ProviderConfig) bool { return other.Name == p.Name })
	if taken {
		err = errors.Join(line.Errf("provider %s is already specified; give each provider its own name", p.Name), err)
	}
	a.Providers = append(a.Providers, p)
	return err
}

var _ caddyfile.Unmarshaler = (*App)(nil)
