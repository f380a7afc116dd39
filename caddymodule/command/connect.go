package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

const (
	pollInterval = time.Second // how often is looked whether the consent was given
	maxFailures  = 5           // in a row, before waiting is given up
)

func connectCommand(c *client) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "connect <provider>/<connection> [--wait]",
		Short: "Makes a link by which a person connects an account",
		Long: `Prints a link. Whoever opens it in a browser, and gives the consent at the
provider, connects an account of theirs; so send it only to the person meant. It works once,
and for a few minutes.

For a provider with client credentials nobody's consent is needed: then the
first token is got at once.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := tokenstore.ParseID(args[0])
			if err != nil {
				return err
			}
			provider, err := c.provider(id.Provider)
			if err != nil {
				return err
			}
			if provider.Grant == string(tokenstore.GrantClientCredentials) {
				conn, err := c.refresh(id)
				if err != nil {
					return err
				}
				return printOutcome(cmd.OutOrStdout(), conn, "connected")
			}
			return connect(cmd, c, id, wait)
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "Wait until the account is connected or the link expires")
	return cmd
}

// provider finds a configured provider.
func (c *client) provider(name string) (adminapi.Provider, error) {
	list, err := c.providers()
	if err != nil {
		return adminapi.Provider{}, err
	}
	i := slices.IndexFunc(list.Providers, func(p adminapi.Provider) bool { return p.Name == name })
	if i < 0 {
		return adminapi.Provider{}, fmt.Errorf("the running configuration has no provider %s; add it to the token_store block and reload, or name one that it has: %s", printable(name), providerNames(list))
	}
	return list.Providers[i], nil
}

func providerNames(list adminapi.Providers) string {
	if len(list.Providers) == 0 {
		return "none"
	}
	names := make([]string, 0, len(list.Providers))
	for _, p := range list.Providers {
		names = append(names, printable(p.Name))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func connect(cmd *cobra.Command, c *client, id tokenstore.ID, wait bool) error {
	before, err := c.generation(id)
	if err != nil {
		return err
	}
	link, err := c.loginLink(id)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Open this link to connect %s. It works once, and expires in %s:\n",
		id, fromNow(link.ExpiresAt, time.Now()))
	fmt.Fprintln(cmd.OutOrStdout(), printable(link.URL))
	if !wait {
		return nil
	}
	conn, err := c.awaitChange(id, before, link.ExpiresAt)
	if err != nil {
		return err
	}
	return printOutcome(cmd.OutOrStdout(), conn, "connected")
}

// generation returns 0 if there is no such connection yet.
func (c *client) generation(id tokenstore.ID) (uint64, error) {
	conn, err := c.show(id)
	if notFound(err) {
		return 0, nil
	}
	return conn.Generation, err
}

// awaitChange looks again and again until the connection has another generation.
func (c *client) awaitChange(id tokenstore.ID, before uint64, until time.Time) (adminapi.Connection, error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	failures := 0
	for time.Now().Before(until) {
		conn, err := c.show(id)
		switch {
		case err == nil && conn.Generation != before:
			return conn, nil
		case err == nil || notFound(err):
			failures = 0
		default:
			// While Caddy reloads its configuration a request may fail.
			if failures++; failures > maxFailures {
				return conn, err
			}
		}
		<-tick.C
	}
	return adminapi.Connection{}, errors.New("the link expired before an account was connected; run the command again for a new one")
}
