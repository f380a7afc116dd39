package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/caddy-tokenstore/caddy-tokenstore/internal/freeport"
)

// Names of the competitors, as they are in flags and tables.
const (
	tokenProxy  = "token_proxy"
	headerUp    = "header_up" // the one that all others are compared with
	headerUp32  = "header_up_32"
	bare        = "bare"
	forwardAuth = "forward_auth"
	goProxy     = "go"
	nginx       = "nginx"
	haproxy     = "haproxy"
)

// What else is measured of the token store.
const (
	tokenEndpoint = "token_endpoint"  // in the process of token_proxy
	tokenProxyDue = "token_proxy_due" // refreshes tokens all the time
	// tokenProxyLB has load balancing, which brings Caddy's reverse_proxy in. Its process is its own, or the collector of garbage would have to look
	// at the connections of token_proxy's clients too.
	tokenProxyLB = "token_proxy_lb"
)

// contender is a competitor that can be started.
type contender struct {
	name, about string
	program     string // of Debian, that has to be installed; empty if it is built here
	start       func(ctx context.Context, b *bench, dir string) (*competitor, error)
}

// contenders are all competitors, in the order of the tables.
func contenders() []contender {
	return []contender{
		{tokenProxy, "this forwarder", "", startTokenProxy},
		{headerUp, "Caddy's reverse_proxy, a fixed header, keepalive_idle_conns_per_host 1024", "", startPlainCaddy(fixedHeader, tunedTransport)},
		{headerUp32, "the same with Caddy's default of 32 idle connections", "", startPlainCaddy(fixedHeader, "")},
		{bare, "reverse_proxy that sets no header, for clients that have the token", "", startPlainCaddy("", tunedTransport)},
		{forwardAuth, "Caddy's forward_auth fetches the token for each request", "", startForwardAuth},
		{goProxy, "httputil.ReverseProxy over oauth2.Transport", "", startGoProxy},
		{nginx, "proxy_pass with a fixed header", "nginx", startNginx},
		{haproxy, "a fixed header", "haproxy", startHAProxy},
	}
}

// find returns the contender of that name.
func find(name string) (contender, error) {
	all := append(contenders(), contender{name: tokenProxyLB, start: startTokenProxy})
	i := slices.IndexFunc(all, func(c contender) bool { return c.name == name })
	if i < 0 {
		return contender{}, fmt.Errorf("there is no competitor %q", name)
	}
	return all[i], nil
}

// competitor is one that runs. It has an address for each kind of upstream.
type competitor struct {
	*process
	name       string
	plain, tls string       // host:port of its own
	tokens     string       // where token_proxy hands out tokens
	balanced   string       // where it has load balancing
	admin      *http.Client // of programs in Go: reaches /debug; else nil
	authorized bool         // its clients have to bring the token
	filled     bool         // its store has its connections
}

// target is what a client sends its requests to.
type target struct {
	url        string
	size       int64 // of an answer, -1 for any
	authorized bool  // the client has the token
}

// target returns where to get so many bytes.
func (c *competitor) target(tls bool, size int64) target {
	address := c.plain
	if tls {
		address = c.tls
	}
	return target{url: fmt.Sprintf("http://%s/%d", address, size), size: size, authorized: c.authorized}
}

// site returns what the name of a competitor, or of one of its other sites, stands for in a cell.
func (b *bench) site(ctx context.Context, name string, in cell) (*competitor, target, error) {
	process := name
	if name == tokenEndpoint {
		process = tokenProxy
	}
	c, err := b.enter(ctx, process)
	if err != nil {
		return nil, target{}, err
	}
	to := c.target(in.TLS, in.Size)
	switch name {
	case tokenEndpoint:
		to = target{url: "http://" + c.tokens, size: int64(len(authorization) - len("Bearer "))}
	case tokenProxyLB:
		to.url = fmt.Sprintf("http://%s/%d", c.balanced, in.Size)
	}
	return c, to, nil
}

// ready returns c once both of its addresses answer, or ends it.
func (c *competitor) ready(ctx context.Context) (*competitor, error) {
	for _, tls := range []bool{false, true} {
		if err := c.await(ctx, func(ctx context.Context) error { return once(ctx, c.target(tls, kibibyte)) }); err != nil {
			c.stop()
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return c, nil
}

// newCompetitor returns a competitor with addresses, which is to be started.
func newCompetitor(name string) (*competitor, error) {
	c := &competitor{name: name}
	for _, address := range []*string{&c.plain, &c.tls, &c.tokens, &c.balanced} {
		port, err := freeport.Pick()
		if err != nil {
			return nil, err
		}
		*address = fmt.Sprintf("127.0.0.1:%d", port)
	}
	return c, nil
}

// socketClient returns a client of whatever listens on a unix socket.
func socketClient(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: importers,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}

// write makes the file name in dir.
func write(dir, name, text string) (path string, err error) {
	path = filepath.Join(dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
