package command

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
)

func listCommand(c *client) *cobra.Command {
	var provider string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [--provider <name>] [--json]",
		Short: "Lists the connections",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := c.listAll(provider)
			if err != nil {
				return err
			}
			if len(all) == 0 && provider != "" {
				// Of a provider that was taken out of the configuration there may be some still.
				if _, err := c.provider(provider); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printTable(cmd.OutOrStdout(), all, time.Now())
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "", "List the connections of this provider only")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON: a list of connections")
	return cmd
}

// listAll reads all pages.
func (c *client) listAll(provider string) ([]adminapi.Connection, error) {
	all := []adminapi.Connection{}
	for after := ""; ; {
		page, err := c.list(provider, after)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Connections...)
		// The ids of the pages grow; whatever answers else would be asked for ever.
		if page.Next == "" || page.Next <= after {
			return all, nil
		}
		after = page.Next
	}
}

func printTable(w io.Writer, all []adminapi.Connection, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "There are no connections. Make one with: caddy token-store connect <provider>/<connection>")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tEXPIRES IN\tNEXT REFRESH\tREASON")
	for _, conn := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n",
			printable(conn.ID), printable(conn.State),
			fromNow(conn.ExpiresAt, now), fromNow(conn.NextRefresh, now), printable(reason(conn)))
	}
	return table.Flush()
}

// reason is why the connection is not well, and "-" if it is.
func reason(conn adminapi.Connection) string {
	if conn.Unsaved {
		return "unsaved"
	}
	return cmp.Or(conn.Reason, conn.LastError, "-")
}
