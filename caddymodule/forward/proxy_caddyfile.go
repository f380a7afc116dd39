package forward

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func init() {
	httpcaddyfile.RegisterDirective("token_proxy", parseProxy)
	httpcaddyfile.RegisterDirectiveOrder("token_proxy", httpcaddyfile.Before, "reverse_proxy")
}

// parseProxy reads token_proxy, which forwards requests with the token of a
// connection. Syntax:
//
//	token_proxy [<matcher>] <connection> [<upstreams...>] {
//		allow         local|anyone
//		allow         local uid <users...>
//		allow         origin|key|user <...>
//		cors          { ... }
//		limit         caller|connection <n>/<time> [burst <n>]
//		limit         caller|connection concurrent <n>
//		on_error      refuse|pass
//		websocket
//		replay_buffer <size>
//		methods       <methods...>
//		pass_header   <names...>
//		pass_response_header <names...>
//		pass_trailer  <names...>
//		scrub_body
//		rewrite_redirects
//		<sub-directives of reverse_proxy>
//	}
//
// The connection is provider/connection; the connection's name may hold placeholders.
// Without upstreams, requests go to the provider's hosts. Upstreams that are given
// must be among them.
//
// It stands for a token_guard and, with the transport token_store, a token_forward, or a
// reverse_proxy if there is anything for it to do. Settings of transport http are that transport's too.
func parseProxy(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive's name
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	guard := &Guard{Forward: true}
	transport := &Transport{HTTPTransport: new(reverseproxy.HTTPTransport)}
	rest, err := splitBlock(h.Dispenser, func(d *caddyfile.Dispenser) (bool, error) {
		if d.Val() == "forward" {
			return false, nil // an option of token_guard's alone
		}
		if d.Val() == "header_up" {
			return false, checkHeaderUpLine(d)
		}
		if known, err := transport.unmarshalShared(d); known || err != nil {
			return known, err
		}
		return guard.unmarshalSubdirective(d)
	})
	if err != nil {
		return nil, err
	}
	if guard.Connection, err = takeConnection(rest); err != nil {
		return nil, err
	}
	forwarder, err := parseForwarder(h, rest, guard, transport)
	if err != nil {
		return nil, err
	}
	route := caddyhttp.Route{HandlersRaw: []json.RawMessage{
		caddyconfig.JSONModuleObject(guard, "handler", "token_guard", nil), forwarder,
	}}
	if matcher != nil {
		route.MatcherSetsRaw = []caddy.ModuleMap{matcher}
	}
	return []httpcaddyfile.ConfigValue{{Class: "route", Value: route}}, nil
}

// takeConnection reads the first argument and takes it away, so that what is left is a
// reverse_proxy directive.
func takeConnection(d *caddyfile.Dispenser) (string, error) {
	d.Next()
	if !d.NextArg() {
		return "", d.Err("token_proxy takes a connection, such as dropbox-demo/auth")
	}
	connection := d.Val()
	provider, name, _ := strings.Cut(connection, "/")
	switch {
	case strings.Contains(provider, "{"):
		return "", d.Errf("connection %s: write the provider out; only what comes after the slash may hold placeholders", connection)
	case !strings.Contains(name, "{"):
		if _, err := tokenstore.ParseID(connection); err != nil {
			return "", d.WrapErr(err)
		}
	default:
		if err := tokenstore.ValidateProviderName(provider); err != nil {
			return "", d.WrapErr(err)
		}
	}
	d.Delete()
	d.Reset()
	return connection, nil
}

// parseForwarder makes the handler that forwards: a Forwarder, or a reverse_proxy if d or guard ask for what only that
// can do. t has what was read of the transport so far.
func parseForwarder(h httpcaddyfile.Helper, d *caddyfile.Dispenser, guard *Guard, t *Transport) (json.RawMessage, error) {
	proxy := new(reverseproxy.Handler)
	if err := proxy.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	if err := proxy.FinalizeUnmarshalCaddyfile(h); err != nil {
		return nil, err
	}
	// Only now: with an https upstream, the parser puts the http transport in the place of
	// any other.
	if err := t.adopt(proxy.TransportRaw); err != nil {
		return nil, h.Errf("token_proxy %s: %v", guard.Connection, err)
	}
	proxy.TransportRaw = nil
	if string(caddyconfig.JSON(proxy, nil)) == "{}" && !guard.passesForwarding() {
		return caddyconfig.JSONModuleObject(newForwarder(guard, t), "handler", "token_forward", nil), nil
	}
	guard.passOwn(proxy.Headers)
	provider, name, _ := strings.Cut(guard.Connection, "/")
	if len(proxy.Upstreams) == 0 && proxy.DynamicUpstreamsRaw == nil {
		proxy.Upstreams = reverseproxy.UpstreamPool{{Dial: upstreamPlaceholder(provider)}}
	}
	if strings.Contains(name, "{") {
		t.Provider = provider
	} else {
		t.Connection, t.Provider = guard.Connection, ""
	}
	proxy.TransportRaw = caddyconfig.JSONModuleObject(t, "protocol", "token_store", nil)
	return caddyconfig.JSONModuleObject(proxy, "handler", "reverse_proxy", nil), nil
}

// newForwarder returns a Forwarder for what guard lets pass, whose transport has the settings of t.
func newForwarder(guard *Guard, t *Transport) *Forwarder {
	f := &Forwarder{WebSocket: guard.WebSocket}
	if string(caddyconfig.JSON(t, nil)) != "{}" {
		f.TransportRaw = caddyconfig.JSONModuleObject(t, "protocol", "token_store", nil)
	}
	return f
}

// adopt takes over the settings of a transport that was written down.
func (t *Transport) adopt(raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	var settings map[string]json.RawMessage
	if err := json.Unmarshal(raw, &settings); err != nil {
		return err
	}
	var protocol string
	if err := json.Unmarshal(settings["protocol"], &protocol); err != nil {
		return err
	}
	if protocol != "http" && protocol != "token_store" {
		return fmt.Errorf("transport %s: requests with a token go by http only; take transport away or write transport http", protocol)
	}
	delete(settings, "protocol")
	rest, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	return caddy.StrictUnmarshalJSON(rest, t)
}
