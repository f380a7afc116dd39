package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func importCommand(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "import <provider>/<connection>",
		Short: "Imports a grant that was obtained elsewhere, from standard input",
		Long: `Reads a token as JSON from standard input, as token endpoints answer it and
golang.org/x/oauth2 writes it, and stores it as a connection, in place of
what the connection had before:

  $ caddy token-store import dropbox-demo/auth < token.json

It takes access_token, refresh_token, token_type, expiry, expires_at,
expires_in (from now), scope, account, and refresh (eager, on_demand or
keep_alive <period>). One of access_token and refresh_token must be there.

With a refresh token, Caddy is to be the only one who uses it from now on:
many servers revoke the grant when a refresh token is used twice.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := tokenstore.ParseID(args[0])
			if err != nil {
				return err
			}
			if term.IsTerminal(int(os.Stdin.Fd())) {
				fmt.Fprintln(cmd.ErrOrStderr(), "Paste the token as JSON, then press Ctrl-D:")
			}
			grant, err := readGrant(cmd.InOrStdin(), time.Now())
			if err != nil {
				return err
			}
			conn, err := c.put(id, grant)
			if err != nil {
				return err
			}
			return printOutcome(cmd.OutOrStdout(), conn, "imported")
		},
	}
}

func readGrant(r io.Reader, now time.Time) (adminapi.Grant, error) {
	body, err := io.ReadAll(io.LimitReader(r, adminapi.MaxGrant+1))
	if err != nil {
		return adminapi.Grant{}, fmt.Errorf("reading standard input: %w", err)
	}
	if len(body) > adminapi.MaxGrant {
		return adminapi.Grant{}, errors.New("standard input has more than 64 KiB, which no token has")
	}
	grant, err := adminapi.ParseForeignGrant(body, now)
	if err != nil {
		return adminapi.Grant{}, fmt.Errorf(`%w; expected is JSON such as {"access_token":"…","refresh_token":"…","expires_in":3600}`, err)
	}
	return grant, nil
}
