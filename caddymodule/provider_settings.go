package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// providerSetting is a line of a provider's block in the Caddyfile.
type providerSetting struct {
	set func(c *ProviderConfig, args []string) error
	// block reads the block that may follow; nil if none may.
	block func(c *ProviderConfig, d *caddyfile.Dispenser) error
	// repeatable settings add to what an earlier line says.
	repeatable bool
	// jsonName is the field's name in JSON, if it is not the setting's.
	jsonName string
}

// providerSettings are all of them.
var providerSettings = map[string]providerSetting{
	"grant":                text(func(c *ProviderConfig) *tokenstore.GrantType { return &c.Grant }),
	"client_id":            text(func(c *ProviderConfig) *string { return &c.ClientID }),
	"client_secret":        text(func(c *ProviderConfig) *string { return &c.ClientSecret }),
	"scopes":               words(func(c *ProviderConfig) *[]string { return &c.Scopes }),
	"authorize_url":        text(func(c *ProviderConfig) *string { return &c.AuthorizeURL }),
	"token_url":            text(func(c *ProviderConfig) *string { return &c.TokenURL }),
	"refresh_url":          text(func(c *ProviderConfig) *string { return &c.RefreshURL }),
	"revoke_url":           text(func(c *ProviderConfig) *string { return &c.RevokeURL }),
	"issuer":               text(func(c *ProviderConfig) *string { return &c.Issuer }),
	"client_auth":          text(func(c *ProviderConfig) *string { return &c.ClientAuth }),
	"token_body":           text(func(c *ProviderConfig) *string { return &c.TokenBody }),
	"pkce":                 text(func(c *ProviderConfig) *string { return &c.PKCE }),
	"scope_separator":      text(func(c *ProviderConfig) *string { return &c.ScopeSeparator }),
	"authorize_param":      params("authorize_params", func(c *ProviderConfig) *map[string]string { return &c.AuthorizeParams }),
	"token_param":          params("token_params", func(c *ProviderConfig) *map[string]string { return &c.TokenParams }),
	"refresh_param":        params("refresh_params", func(c *ProviderConfig) *map[string]string { return &c.RefreshParams }),
	"dead_codes":           words(func(c *ProviderConfig) *[]string { return &c.DeadCodes }),
	"host":                 {set: setHost, block: setHostBlock, repeatable: true, jsonName: "hosts"},
	"private":              {set: setPrivate},
	"inject":               {set: setInject},
	"request_header":       words(func(c *ProviderConfig) *[]string { return &c.RequestHeaders }).named("request_headers"),
	"response_header":      words(func(c *ProviderConfig) *[]string { return &c.ResponseHeaders }).named("response_headers"),
	"methods":              words(func(c *ProviderConfig) *[]string { return &c.Methods }),
	"refresh":              {set: setRefresh},
	"lead":                 duration(func(c *ProviderConfig) *caddy.Duration { return &c.Lead }),
	"assume_ttl":           duration(func(c *ProviderConfig) *caddy.Duration { return &c.AssumeTTL }),
	"sleep_after":          duration(func(c *ProviderConfig) *caddy.Duration { return &c.SleepAfter }),
	"min_refresh_interval": duration(func(c *ProviderConfig) *caddy.Duration { return &c.MinRefreshInterval }),
	"max_concurrent":       {set: setMaxConcurrent},
	"max_per_second":       {set: setMaxPerSecond},
}

// jsonName returns what the setting is called in JSON.
func jsonName(setting string) string { return cmp.Or(providerSettings[setting].jsonName, setting) }

// named returns s with another name in JSON.
func (s providerSetting) named(jsonName string) providerSetting {
	s.jsonName = jsonName
	return s
}

// text is a setting with one value.
func text[T ~string](field func(*ProviderConfig) *T) providerSetting {
	return providerSetting{set: func(c *ProviderConfig, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return errors.New("it takes one value, and has " + count(args) +
				"; if it is written as {$NAME}, that variable may not be set")
		}
		*field(c) = T(args[0])
		return nil
	}}
}

// words is a setting with one or more values.
func words(field func(*ProviderConfig) *[]string) providerSetting {
	return providerSetting{repeatable: true, set: func(c *ProviderConfig, args []string) error {
		if len(args) == 0 {
			return errors.New("it takes one or more values, and has none")
		}
		*field(c) = append(*field(c), args...)
		return nil
	}}
}

// params is a setting that gives one request parameter a value, perhaps an empty one.
func params(jsonName string, field func(*ProviderConfig) *map[string]string) providerSetting {
	return providerSetting{repeatable: true, jsonName: jsonName, set: func(c *ProviderConfig, args []string) error {
		if len(args) != 2 || args[0] == "" {
			return errors.New("it takes a name and a value, and has " + count(args))
		}
		m := field(c)
		if _, taken := (*m)[args[0]]; taken {
			return fmt.Errorf("%q is already specified", args[0])
		}
		if *m == nil {
			*m = make(map[string]string)
		}
		(*m)[args[0]] = args[1]
		return nil
	}}
}

// duration is a setting with a time that is longer than none: zero would mean
// the default, which nobody expects who writes it.
func duration(field func(*ProviderConfig) *caddy.Duration) providerSetting {
	return providerSetting{set: func(c *ProviderConfig, args []string) (err error) {
		*field(c), err = oneDuration(args)
		return err
	}}
}

func oneDuration(args []string) (caddy.Duration, error) {
	if len(args) != 1 {
		return 0, errors.New("it takes one duration such as 5m, and has " + count(args))
	}
	d, err := caddy.ParseDuration(args[0])
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 5m or 30d", args[0])
	}
	if d <= 0 {
		return 0, fmt.Errorf("%s is not longer than none; leave it out for the default", d)
	}
	return caddy.Duration(d), nil
}

func setHost(c *ProviderConfig, args []string) error {
	if len(args) < 2 {
		return errors.New("write: host <name> <url> [<paths...>]")
	}
	for _, h := range c.Hosts {
		if h.Name == args[0] {
			return fmt.Errorf("%q is already specified; write all of its paths on one line", h.Name)
		}
	}
	c.Hosts = append(c.Hosts, HostConfig{Name: args[0], URL: args[1], Paths: args[2:]})
	return nil
}

func setPrivate(c *ProviderConfig, args []string) error {
	if len(args) > 0 {
		return errors.New("it takes no value; leave the line out if the provider is on the internet")
	}
	c.Private = true
	return nil
}

// setHostBlock reads the block of the host that was read last.
func setHostBlock(c *ProviderConfig, d *caddyfile.Dispenser) (err error) {
	h := &c.Hosts[len(c.Hosts)-1]
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch {
		case d.Val() != "inject":
			return d.Errf("unknown setting %q of a host; it may have: inject", d.Val())
		case h.Inject != nil:
			return directive.Repeated(d)
		}
		if h.Inject, err = newInject(d.RemainingArgs()); err != nil {
			return d.Errf("inject: %w", err)
		}
		if err := directive.NoBlock(d, "inject"); err != nil {
			return err
		}
	}
	return nil
}

func setInject(c *ProviderConfig, args []string) (err error) {
	c.Inject, err = newInject(args)
	return err
}

// newInject reads the values of inject. No header is called basic.
func newInject(args []string) (*InjectConfig, error) {
	switch {
	case len(args) != 2 || args[0] == "" || args[1] == "":
		return nil, errors.New(`write: inject <header> "<value with {token}>", with the value in quotes if it has spaces, or: inject basic <user>`)
	case args[0] == "basic":
		return &InjectConfig{Basic: args[1]}, nil
	}
	return &InjectConfig{Header: args[0], Value: args[1]}, nil
}

func setRefresh(c *ProviderConfig, args []string) (err error) {
	if len(args) == 0 || len(args) > 2 {
		return errors.New("write: refresh eager, on_demand or keep_alive <period>")
	}
	c.Refresh = &RefreshConfig{Mode: tokenstore.RefreshMode(args[0])}
	if len(args) == 2 {
		c.Refresh.Period, err = oneDuration(args[1:])
	}
	return err
}

func setMaxConcurrent(c *ProviderConfig, args []string) error {
	if len(args) == 1 {
		if n, err := strconv.Atoi(args[0]); err == nil && n > 0 {
			c.MaxConcurrent = n
			return nil
		}
	}
	return errors.New("it takes one number greater than 0")
}

func setMaxPerSecond(c *ProviderConfig, args []string) error {
	if len(args) == 1 {
		// Not ParseFloat's NaN and infinity.
		if n, err := strconv.ParseFloat(args[0], 64); err == nil && n > 0 && n <= 1e6 {
			c.MaxPerSecond = n
			return nil
		}
	}
	return errors.New("it takes one number greater than 0, such as 20 or 0.5")
}

// count says how many values there are.
func count(args []string) string {
	switch {
	case len(args) == 0:
		return "none"
	case len(args) == 1 && args[0] == "":
		return "an empty one"
	}
	return strconv.Itoa(len(args))
}
