package forward

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
)

// UnmarshalCaddyfile reads a transport of reverse_proxy. Most sites want
// token_proxy, which brings it along. Syntax:
//
//	transport token_store {
//		connection    <provider/connection>
//		provider      <name>
//		replay_buffer <size>
//		pass_trailer  <names...>
//		scrub_body
//		rewrite_redirects
//		<settings of transport http>
//	}
func (t *Transport) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	rest, err := splitBlock(d, t.unmarshalSubdirective)
	if err != nil {
		return err
	}
	return t.HTTPTransport.UnmarshalCaddyfile(rest)
}

// unmarshalSubdirective reads the sub-directive that d stands at, if it is one that
// the http transport does not have.
func (t *Transport) unmarshalSubdirective(d *caddyfile.Dispenser) (known bool, err error) {
	var setting *string
	switch d.Val() {
	case "connection":
		setting = &t.Connection
	case "provider":
		setting = &t.Provider
	default:
		return t.unmarshalShared(d)
	}
	if *setting != "" {
		return true, directive.Repeated(d)
	}
	if !d.AllArgs(setting) {
		return true, d.ArgErr()
	}
	return true, nil
}

// unmarshalShared reads the sub-directives that token_proxy takes for its transport.
func (t *Transport) unmarshalShared(d *caddyfile.Dispenser) (known bool, err error) {
	switch d.Val() {
	case "replay_buffer":
		if t.ReplayBuffer != nil {
			return true, directive.Repeated(d)
		}
		var arg string
		if !d.AllArgs(&arg) {
			return true, d.ArgErr()
		}
		size, err := humanize.ParseBytes(arg)
		if err != nil || size > maxReplayBuffer {
			return true, d.Errf("replay_buffer: %q is no size up to 16MiB; write 64KiB, or 0 to keep nothing", arg)
		}
		bytes := int64(size)
		t.ReplayBuffer = &bytes
	case "pass_trailer":
		names := d.RemainingArgs()
		if len(names) == 0 {
			return true, d.ArgErr()
		}
		if err := checkPassTrailers(names); err != nil {
			return true, d.WrapErr(err)
		}
		t.PassTrailers = append(t.PassTrailers, names...)
	case "scrub_body":
		return true, switchOn(d, &t.ScrubBody)
	case "rewrite_redirects":
		return true, switchOn(d, &t.RewriteRedirects)
	default:
		return false, nil
	}
	return true, nil
}

// splitBlock lets own read the sub-directives that it knows, and returns a
// dispenser with all the others, which is as d was at its start. Tokens keep their
// places, so that errors about the rest name the right lines too.
func splitBlock(d *caddyfile.Dispenser, own func(*caddyfile.Dispenser) (known bool, err error)) (*caddyfile.Dispenser, error) {
	d.Next()
	head := []caddyfile.Token{d.Token()}
	for d.NextArg() {
		head = append(head, d.Token())
	}
	var body []caddyfile.Token
	for d.NextBlock(0) {
		if body == nil {
			d.Prev()
			body = append(body, d.Token()) // the brace
			d.Next()
		}
		segment := d.NextSegment()
		part := caddyfile.NewDispenser(segment)
		part.Next()
		known, err := own(part)
		if err != nil {
			return nil, err
		}
		if !known {
			body = append(body, segment...)
		}
	}
	if len(body) > 1 {
		head = append(append(head, body...), d.Token())
	}
	return caddyfile.NewDispenser(head), nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Transport)(nil)
