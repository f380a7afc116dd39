package command

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func deleteCommand(c *client) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete <provider>/<connection> [--yes]",
		Short: "Deletes a connection",
		Long: `Deletes a connection and its tokens, and asks the authorization server to revoke
the grant if it can do that. It cannot be undone: to have the connection
again, a person must give the consent again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := tokenstore.ParseID(args[0])
			if err != nil {
				return err
			}
			if err := confirm(cmd, id, yes); err != nil {
				return err
			}
			if err := c.delete(id); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is deleted\n", id)
			return err
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "Do not ask")
	return cmd
}

// confirm returns nil if the person at the terminal, or a flag, says yes.
func confirm(cmd *cobra.Command, id tokenstore.ID, yes bool) error {
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("deleting a connection cannot be undone; confirm it with --yes, since there is no terminal to ask at")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Delete %s and its grant? This cannot be undone. [y/N] ", id)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil {
		return fmt.Errorf("reading your answer: %w; nothing was deleted", err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was deleted")
}
