package command

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func showCommand(c *client) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show <provider>/<connection> [--json]",
		Short: "Shows what is known about a connection",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := tokenstore.ParseID(args[0])
			if err != nil {
				return err
			}
			conn, err := c.show(id)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), conn)
			}
			return printConnection(cmd.OutOrStdout(), conn, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON")
	return cmd
}

// printConnection prints what is known, a line each.
func printConnection(w io.Writer, conn adminapi.Connection, now time.Time) error {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return fmt.Sprintf("%s (%s)", t.Format(time.RFC3339), fromNow(t, now))
	}
	number := func(n uint64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatUint(n, 10)
	}
	words := func(b bool, text string) string {
		if !b {
			return ""
		}
		return text
	}
	lines := []struct{ name, value string }{
		{"connection", conn.ID},
		{"state", conn.State},
		{"reason", conn.Reason},
		{"account", conn.Account},
		{"token type", conn.TokenType},
		{"generation", number(conn.Generation)},
		{"scopes", strings.Join(conn.Scopes, " ")},
		{"missing scopes", strings.Join(conn.MissingScopes, " ")},
		{"created", moment(conn.CreatedAt)},
		{"refreshed", moment(conn.RefreshedAt)},
		{"expires", moment(conn.ExpiresAt)},
		{"next refresh", moment(conn.NextRefresh)},
		{"refresh", conn.Refresh},
		{"refresh token", words(!conn.HasRefreshToken, "none") + words(conn.HasRefreshToken, "kept")},
		{"failed attempts", number(uint64(max(0, conn.FailedAttempts)))},
		{"last error", conn.LastError},
		{"unsaved", words(conn.Unsaved, "yes: the token is in memory only, because the storage does not take it")},
		{"unwritable", words(conn.Unwritable, "yes: the database is damaged there, and the connection is neither refreshed nor deleted, though its token serves while it is valid; "+
			"save what is sound with: caddy token-store recover <new file>, while Caddy is stopped")},
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		if line.value != "" {
			fmt.Fprintf(table, "%s\t%s\n", line.name, printable(line.value))
		}
	}
	return table.Flush()
}
