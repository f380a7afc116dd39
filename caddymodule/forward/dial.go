package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

// direct reports whether connections go to the API itself and not to a proxy. A proxy connects in its own place, and which
// addresses it refuses is for whoever runs it to say.
func (t *Transport) direct() bool {
	var proxy struct {
		From string `json:"from"`
	}
	_ = json.Unmarshal(t.NetworkProxyRaw, &proxy) // Caddy tells what is wrong with it
	return t.ForwardProxyURL == "" && (len(t.NetworkProxyRaw) == 0 || proxy.From == "none")
}

// checkDialing refuses settings with which Caddy connects in ways of its own, past the check of addresses.
func (t *Transport) checkDialing() error {
	var problems []error
	if slices.Contains(t.Versions, "3") {
		problems = append(problems, errors.New("versions 3: addresses cannot be checked with HTTP/3; leave it out"))
	}
	if t.TLS != nil && strings.Contains(t.TLS.ServerName, "{") {
		problems = append(problems, errors.New("tls server_name: whom to trust with a token is not for a request to say; write the name without placeholders"))
	}
	return errors.Join(problems...)
}

// guardDials makes the transport, which is provisioned, connect to addresses alone that the provider of a request
// may have. Caddy's dialer cannot be reached; this one has the same settings.
func (t *Transport) guardDials() error {
	dialer := &net.Dialer{
		Timeout:       time.Duration(t.DialTimeout),
		FallbackDelay: time.Duration(t.FallbackDelay),
		KeepAlive:     time.Duration(t.KeepAlive.ProbeInterval),
		KeepAliveConfig: net.KeepAliveConfig{
			Enable:   t.KeepAlive.ProbeInterval > 0,
			Interval: time.Duration(t.KeepAlive.ProbeInterval),
		},
	}
	var err error
	if dialer.LocalAddr, err = localAddress(t.LocalAddress); err != nil {
		return fmt.Errorf("local_address: %w", err)
	}
	if dialer.Resolver, err = newResolver(t.Resolver, dialer); err != nil {
		return fmt.Errorf("resolver: %w", err)
	}
	t.Transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		// Caddy would take the upstream's address, which destination has found to be the same.
		conn, err := t.dials(ctx).DialContext(ctx, dialer, network, address)
		if _, refused := errors.AsType[*dial.RefusedError](err); refused {
			return nil, err
		}
		if err != nil {
			return nil, reverseproxy.NewDialError(err) // Caddy may try again, whatever the method; it hides err from errors.As
		}
		return t.withTimeouts(conn), nil
	}
	return nil
}

// dials returns the policy for the request that a connection is made for. A connection that is open serves later requests
// to the same host and port too, those of other providers on the same route included.
func (t *Transport) dials(ctx context.Context) dial.Policy {
	switch f := forwardingOf(ctx); {
	case f != nil:
		return f.provider.Dials()
	case t.provider != nil:
		return t.provider.Dials()
	}
	return dial.Policy{}
}

// localAddress returns nil, without a type, if none is configured.
func localAddress(written string) (net.Addr, error) {
	if written == "" {
		return nil, nil //nolint:nilnil // as net.Dialer has it
	}
	a, err := caddy.ParseNetworkAddressWithDefaults(written, "tcp", 0)
	if err != nil {
		return nil, err
	}
	return net.ResolveTCPAddr(a.Network, a.JoinHostPort(0))
}

// newResolver returns a resolver that asks one of the configured servers at a time, nil for the system's.
func newResolver(configured *reverseproxy.UpstreamResolver, like *net.Dialer) (*net.Resolver, error) {
	if configured == nil {
		return nil, nil //nolint:nilnil // as net.Dialer has it
	}
	servers := make([]caddy.NetworkAddress, len(configured.Addresses))
	for i, written := range configured.Addresses {
		var err error
		if servers[i], err = caddy.ParseNetworkAddressWithDefaults(written, "udp", 53); err != nil {
			return nil, err
		}
	}
	if len(servers) == 0 {
		return nil, errors.New("no addresses")
	}
	d := &net.Dialer{Timeout: like.Timeout, FallbackDelay: like.FallbackDelay}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		server := servers[rand.IntN(len(servers))] //nolint:gosec // it spreads the load
		return d.DialContext(ctx, server.Network, server.JoinHostPort(0))
	}}, nil
}
