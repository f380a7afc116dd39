package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// Parts of the configuration of a stock Caddy.
const (
	fixedHeader    = `header_up Authorization "` + authorization + `"`
	tunedTransport = "transport http {\nkeepalive_idle_conns_per_host 1024\n}"
)

// startCaddy runs Caddy with these global options and sites. All Caddies are the same program: without its
// directives, the plugin does nothing.
func (b *bench) startCaddy(ctx context.Context, c *competitor, dir, global string, sites ...string) (*competitor, error) {
	_, err := write(dir, caddyfile, fmt.Sprintf(
		"{\nadmin unix/%s/admin\npersist_config off\nauto_https off\nlog default {\nlevel ERROR\n}\n%s\n}\n%s", dir, global, strings.Join(sites, "")))
	if err != nil {
		return nil, err
	}
	return c, b.runCaddy(ctx, c, dir)
}

const caddyfile = "Caddyfile"

// runCaddy runs Caddy with what startCaddy has written.
func (b *bench) runCaddy(ctx context.Context, c *competitor, dir string) (err error) {
	c.process, err = start(ctx, dir, b.trust(), b.caddy, "run", "--config", filepath.Join(dir, caddyfile), "--adapter", "caddyfile")
	c.admin = socketClient(filepath.Join(dir, "admin"))
	return err
}

// restartCaddy ends a Caddy and runs it again, with the store that it had.
func (b *bench) restartCaddy(ctx context.Context, c *competitor) error {
	c.admin.CloseIdleConnections()
	c.stop()
	if err := b.runCaddy(ctx, c, c.dir); err != nil {
		return err
	}
	_, err := c.ready(ctx)
	return err
}

// site returns the block of a site.
func site(address, directives string) string {
	return fmt.Sprintf("http://%s {\n%s\n}\n", address, directives)
}

// trust makes programs in Go trust the CA of this run.
func (b *bench) trust() []string { return []string{"SSL_CERT_FILE=" + b.ca} }

func startTokenProxy(ctx context.Context, b *bench, dir string) (*competitor, error) {
	return b.startStore(ctx, dir, "")
}

// provider returns the block of a provider that may be called so often in a second.
func (b *bench) provider(name, api, oauth string, perSecond int) string {
	return fmt.Sprintf("provider %s generic {\nclient_id id\nclient_secret secret\nauthorize_url %[2]s/oauth2/authorize\ntoken_url %[2]s/oauth2/token\nhost api %[3]s\nmax_concurrent 64\nmax_per_second %[4]d\n}\n",
		name, oauth, api, perSecond)
}

// startStore runs a Caddy with the token store in dir and, if more is not empty, another provider.
func (b *bench) startStore(ctx context.Context, dir, more string) (*competitor, error) {
	c, err := newCompetitor(filepath.Base(dir))
	if err != nil {
		return nil, err
	}
	often, own := 10_000, b.oauth.OAuthURL()
	global := fmt.Sprintf("token_store {\nstorage bolt %s/tokens.db\n%s%s%s}", dir,
		b.provider("plain", b.api.plain.URL, own, often), b.provider("tls", b.api.tls.URL, own, often), more)
	c, err = b.startCaddy(ctx, c, dir, global,
		site(c.plain, "token_proxy plain/one"), site(c.tls, "token_proxy tls/one"), site(c.tokens, "token_endpoint plain/one"), site(c.balanced, "token_proxy plain/one {\nlb_policy first\n}"))
	if err != nil {
		return nil, err
	}
	if err := b.connectOne(ctx, c); err != nil {
		c.stop()
		return nil, fmt.Errorf("import tokens: %w", err)
	}
	return c.ready(ctx)
}

// startPlainCaddy returns what starts a Caddy whose reverse_proxy has these lines.
func startPlainCaddy(lines ...string) func(context.Context, *bench, string) (*competitor, error) {
	return func(ctx context.Context, b *bench, dir string) (*competitor, error) {
		c, err := newCompetitor(filepath.Base(dir))
		if err != nil {
			return nil, err
		}
		c.authorized = c.name == bare
		proxy := func(address, api string) string {
			return site(address, fmt.Sprintf("reverse_proxy %s {\n%s\n}", api, strings.Join(lines, "\n")))
		}
		if c, err = b.startCaddy(ctx, c, dir, "", proxy(c.plain, b.api.plain.URL), proxy(c.tls, b.api.tls.URL)); err != nil {
			return nil, err
		}
		return c.ready(ctx)
	}
}

// startForwardAuth runs a Caddy that asks somebody else for the token.
func startForwardAuth(ctx context.Context, b *bench, dir string) (*competitor, error) {
	c, err := newCompetitor(forwardAuth)
	if err != nil {
		return nil, err
	}
	proxy := func(address, api string) string {
		return site(address, fmt.Sprintf("forward_auth %s {\nuri /\ncopy_headers X-Token>Authorization\n%s\n}\nreverse_proxy %s {\n%[2]s\n}", b.grants.URL, tunedTransport, api))
	}
	if c, err = b.startCaddy(ctx, c, dir, "", proxy(c.plain, b.api.plain.URL), proxy(c.tls, b.api.tls.URL)); err != nil {
		return nil, err
	}
	return c.ready(ctx)
}
