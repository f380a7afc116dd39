package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

func keysCommand(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys <command>",
		Short: "Manages the keys by which callers are known",
		Long: `Manages the keys by which callers are known. A key is a long-lived secret of a
program that uses connections; it takes effect where a route says: allow key.`,
	}
	group(cmd)
	addCommands(cmd, createKeyCommand(c), listKeysCommand(c), revokeKeyCommand(c))
	return cmd
}

func listKeysCommand(c *client) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [--json]",
		Short: "Lists the keys, without their secrets",
		Long: `Lists the keys in the order of their names, without their secrets. If part of the database is damaged, those that can
be read are listed; that others may be missing is said on standard error, and the exit status is 2.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := c.listKeys()
			if err != nil {
				return err
			}
			switch {
			case asJSON:
				err = printJSON(cmd.OutOrStdout(), list.Keys)
			case len(list.Keys) > 0 || list.Incomplete == "":
				err = printKeys(cmd.OutOrStdout(), list.Keys, time.Now())
			}
			return endList(cmd, err, list.Incomplete)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON: a list of keys")
	return cmd
}

func printKeys(w io.Writer, keys []adminapi.Key, now time.Time) error {
	if len(keys) == 0 {
		_, err := fmt.Fprintln(w, "There are no keys. Make one with: caddy token-store keys create <name> --allow <provider>/<connection>")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tID\tSTATE\tEXPIRES IN\tCONNECTIONS\tMETHODS\tPATHS\tORIGINS")
	for _, key := range keys {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			printable(key.Name), orDash(printable(key.ID)), printable(key.State), fromNow(key.ExpiresAt, now),
			words(key.Connections), words(key.Methods), words(key.Paths), words(key.Origins))
	}
	return table.Flush()
}

// words is a list as a cell of a table; "-" is no restriction.
func words(list []string) string { return orDash(printable(strings.Join(list, ","))) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func revokeKeyCommand(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke <name>",
		Short: "Ends a key, and the grants that it was used for, at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.HasPrefix(args[0], callerkey.Prefix) {
				// It must not get into the log of the admin API, which has all paths.
				return errors.New("that looks like a key; give its name, which keys list tells: its id is the middle of the key")
			}
			if err := c.revokeKey(args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is revoked\n", printable(args[0]))
			return err
		},
	}
}
