package command

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func refreshCommand(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "refresh <provider>/<connection>",
		Short: "Gets a new token for a connection now",
		Long: `Gets a new token for a connection now, even if its present one is valid and
the provider is paused. Caddy refreshes tokens by itself; this is for trying things out, and
for going on at once after a mistake in the configuration was mended.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := tokenstore.ParseID(args[0])
			if err != nil {
				return err
			}
			conn, err := c.refresh(id)
			if err != nil {
				return err
			}
			return printOutcome(cmd.OutOrStdout(), conn, "refreshed")
		},
	}
}

// printOutcome says in a line that something was done to a connection.
func printOutcome(w io.Writer, conn adminapi.Connection, done string) error {
	line := printable(conn.ID) + " is " + done
	if !conn.ExpiresAt.IsZero() {
		line += "; its token expires in " + fromNow(conn.ExpiresAt, time.Now())
	}
	_, err := fmt.Fprintln(w, line)
	return err
}
