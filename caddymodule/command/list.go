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
		Long: `Lists the connections in the order of their ids. If part of the database is damaged, those that can be read
are listed; that others may be missing is said on standard error, and the exit status is 2.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, incomplete, err := c.listAll(provider)
			if err != nil {
				return err
			}
			if len(all) == 0 && provider != "" && incomplete == "" {
				// Of a provider that was taken out of the configuration there may be some still.
				if _, err := c.provider(provider); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				err = printJSON(cmd.OutOrStdout(), all)
			case len(all) > 0 || incomplete == "":
				err = printTable(cmd.OutOrStdout(), all, time.Now())
			}
			return endList(cmd, err, incomplete)
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "", "List the connections of this provider only")
	cmd.Flags().BoolVar(&asJSON, "json", false, "Print JSON: a list of connections")
	return cmd
}

// listAll reads all pages. incomplete says why there may be others, and is empty if there are none.
func (c *client) listAll(provider string) (all []adminapi.Connection, incomplete string, err error) {
	all = []adminapi.Connection{}
	for after := ""; ; {
		page, err := c.list(provider, after)
		if err != nil {
			return nil, "", err
		}
		all = append(all, page.Connections...)
		incomplete = cmp.Or(incomplete, page.Incomplete)
		// The ids of the pages grow; whatever answers else would be asked for ever.
		if page.Next == "" || page.Next <= after {
			return all, incomplete, nil
		}
		after = page.Next
	}
}

// endList ends a command that has printed a list, if err is nil: if that is incomplete, with a warning and a status of its own.
func endList(cmd *cobra.Command, err error, incomplete string) error {
	if err != nil || incomplete == "" {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Not complete: %s\n", printable(incomplete))
	return exit(cmd, exitIncomplete)
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
	switch {
	case conn.Unsaved:
		return "unsaved"
	case conn.Unwritable:
		return "unwritable, to be recovered"
	}
	return cmp.Or(conn.Reason, conn.LastError, "-")
}
