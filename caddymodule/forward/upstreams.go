package forward

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// checkProxy refuses what the reverse_proxy that is provisioned with ctx, if one is, asks of its transport in vain.
func (t *Transport) checkProxy(ctx caddy.Context) error {
	modules := ctx.Modules() // the last one is t
	if len(modules) < 2 {
		return nil
	}
	proxy, ok := modules[len(modules)-2].(*reverseproxy.Handler)
	if !ok {
		return nil
	}
	problems := []error{t.checkUpstreams(proxy)}
	if proxy.Headers != nil {
		problems = append(problems, checkHeaderOps(proxy.Headers.Request, t.known))
	}
	return errors.Join(problems...)
}

// checkUpstreams refuses upstreams at which no request could arrive: destination would refuse each of them. What is known
// only when there is a request, by a placeholder or a source of dynamic upstreams, is left to that.
func (t *Transport) checkUpstreams(proxy *reverseproxy.Handler) error {
	var problems []error
	for i, u := range proxy.Upstreams {
		if !t.mayReach(u.Dial) {
			problems = append(problems, t.refuseUpstream(fmt.Sprintf("upstreams/%d/dial", i), u.Dial))
		}
	}
	if checks := proxy.HealthChecks; checks != nil && checks.Active != nil && checks.Active.IsEnabled() {
		if address := checks.Active.Upstream; address != "" && !t.mayReach(address) {
			problems = append(problems, t.refuseUpstream("health_checks/active/upstream", address))
		}
	}
	return errors.Join(problems...)
}

// mayReach reports whether a request with a token could go to an address, as it is in the configuration. The scheme is always the one
// of the provider's host.
func (t *Transport) mayReach(address string) bool {
	if placeholder.In(address) {
		return true
	}
	a, err := caddy.ParseNetworkAddress(address)
	if err != nil || !strings.HasPrefix(a.Network, "tcp") || a.PortRangeSize() != 1 {
		return false
	}
	return slices.ContainsFunc(t.providers(), func(p *tokenstore.Provider) bool {
		_, ok := hostAt(p, "", a.JoinHostPort(0))
		return ok
	})
}

// providers returns those whose tokens t may be asked for: the one that is known, or all.
func (t *Transport) providers() []*tokenstore.Provider {
	if t.known != nil {
		return []*tokenstore.Provider{t.known}
	}
	return t.app.AllProviders()
}

// refuseUpstream says why a token cannot go to an address that stands at a path of the JSON of reverse_proxy.
func (t *Transport) refuseUpstream(path, address string) error {
	var known []string
	for _, p := range t.providers() {
		var hosts []string
		for _, h := range p.Hosts() {
			if host := h.URL.Scheme + "://" + h.URL.Host; !slices.Contains(hosts, host) {
				hosts = append(hosts, host)
			}
		}
		known = append(known, "provider "+p.Name()+" has "+strings.Join(hosts, ", "))
	}
	return fmt.Errorf("upstream %s (%s): it is no host of the provider, and a token goes nowhere else (%s); write one of these, or none at all in token_proxy, or add this one to the provider with host <name> <url>",
		address, path, strings.Join(known, "; "))
}
