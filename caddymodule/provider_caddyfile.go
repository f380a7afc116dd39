package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
)

// UnmarshalCaddyfile reads a provider and judges it, as far as its values are known.
// Syntax:
//
//	provider <name> [<preset>] {
//		grant                authorization_code|client_credentials
//		client_id            <id>
//		client_secret        <secret>
//		scopes               <scopes...>
//		authorize_url        <url>
//		token_url            <url>
//		refresh_url          <url>
//		revoke_url           <url>
//		issuer               <issuer>
//		client_auth          params|header|none
//		token_body           form|json
//		pkce                 on|off
//		scope_separator      <text>
//		authorize_param      <name> <value>
//		token_param          <name> <value>
//		refresh_param        <name> <value>
//		dead_codes           <codes...>
//		host                 <name> <url> [<paths...>] {
//			inject <header> <value>
//			inject basic <user>
//		}
//		private
//		inject               <header> <value>
//		inject               basic <user>
//		request_header       <names...>
//		response_header      <names...>
//		methods              <methods...>
//		refresh              eager|on_demand|keep_alive <period>
//		lead                 <duration>
//		assume_ttl           <duration>
//		sleep_after          <duration>
//		min_refresh_interval <duration>
//		max_concurrent       <count>
//		max_per_second       <number>
//	}
//
// The fields of [ProviderConfig] say what each of them means. Parameters and
// hosts may be given any number of times, scopes, dead_codes, headers and methods add up, and
// everything else may be given once.
func (c *ProviderConfig) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // "provider"
	p := providerParser{config: c, lines: make(map[string]*caddyfile.Dispenser), unread: make(map[string]bool)}
	p.head(d)
	for d.NextBlock(0) {
		line := caddyfile.NewDispenser(d.NextSegment())
		line.Next()
		p.setting(line)
	}
	p.judge()
	return errors.Join(p.problems...)
}

// providerParser reads a provider's block to its end, whatever is wrong on the way.
type providerParser struct {
	config   *ProviderConfig
	first    *caddyfile.Dispenser            // the line that names the provider
	lines    map[string]*caddyfile.Dispenser // the last line of each setting
	unread   map[string]bool                 // settings that are there and could not be read
	problems []error
}

func (p *providerParser) problem(err error) { p.problems = append(p.problems, err) }

func (p *providerParser) head(d *caddyfile.Dispenser) {
	p.first = here(d)
	args := d.RemainingArgs()
	if len(args) != 1 && len(args) != 2 {
		p.problem(p.first.Err("write: provider <name> [<preset>]"))
		p.unread["name"] = true
		return
	}
	p.config.Name = args[0]
	if len(args) == 2 {
		p.config.Preset = args[1]
	}
}

// here returns a dispenser that stays where d stands now.
func here(d *caddyfile.Dispenser) *caddyfile.Dispenser {
	at := caddyfile.NewDispenser(caddyfile.Segment{d.Token()})
	at.Next()
	return at
}

// setting reads one line of the block, and the block behind it.
func (p *providerParser) setting(d *caddyfile.Dispenser) {
	name := d.Val()
	setting, known := providerSettings[name]
	if !known {
		p.problem(d.Errf("unknown setting %q of a provider; it may have: %s",
			name, strings.Join(slices.Sorted(maps.Keys(providerSettings)), ", ")))
		return
	}
	if p.lines[name] != nil && !setting.repeatable {
		p.problem(d.Errf("%s is already specified", name))
		return
	}
	p.lines[name] = here(d)
	if err := setting.read(p.config, d); err != nil {
		p.problem(err)
		p.unread[name] = true
	}
}

// read reads the setting, at the name of which d stands.
func (s providerSetting) read(c *ProviderConfig, d *caddyfile.Dispenser) error {
	name, args := d.Val(), d.RemainingArgs()
	if s.block == nil {
		if err := directive.NoBlock(d, name); err != nil {
			return err
		}
	}
	if err := s.set(c, args); err != nil {
		return d.Errf("%s: %w", name, err)
	}
	if s.block == nil {
		return nil
	}
	return s.block(c, d)
}

// judge tells what is wrong with the settings as a whole.
func (p *providerParser) judge() {
	_, wrong := p.config.build(resolveLater)
	for _, e := range wrong {
		if p.unread[e.Field] {
			continue // what could not be read is not missing
		}
		line := p.lines[e.Field]
		if line == nil {
			line = p.first
		}
		p.problem(line.WrapErr(fmt.Errorf("provider %s: %w", p.config.Name, e)))
	}
}

var _ caddyfile.Unmarshaler = (*ProviderConfig)(nil)
