package command

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func recoverCommand(c *client) *cobra.Command {
	o := &offline{client: c}
	cmd := &cobra.Command{
		Use:   "recover <new file> [--database <path>] [--encryption-key-file <file>]",
		Short: "Writes the sound records of a damaged database into a new one, while Caddy is stopped",
		Long: `Reads a damaged database page by page, writes every record that is sound into a new file, and
says what it could not save. The damaged file stays as it is. Stop Caddy first, and run this as the user who runs it:

  $ caddy token-store recover recovered.db --config Caddyfile
  $ caddy token-store restore recovered.db --config Caddyfile --replace

The exit status is 0 if everything was saved, 2 if something is missing, and 1 if no file was written.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, key, err := o.existingWithKey()
			if err != nil {
				return err
			}
			ctx, cancel := interruptible(cmd)
			defer cancel()
			p := new(progress)
			stop := p.show(cmd.ErrOrStderr(), "Reading the damaged database")
			done, err := custody.Recover{Database: path, Into: args[0], Key: key, Now: time.Now()}.Run(ctx)
			stop()
			if errors.Is(err, storage.ErrDamaged) || errors.Is(err, seal.ErrKeysetMissing) {
				return err // says that only a backup helps
			}
			if err != nil {
				return withRemedy(err)
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s has %d sound records of %s\n", printable(done.Path), done.Records, printable(path)); err != nil {
				return err
			}
			if done.Complete() {
				return nil
			}
			printLoss(cmd.ErrOrStderr(), done)
			return exit(cmd, exitIncomplete)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// printLoss says what could not be saved, a line each.
func printLoss(w io.Writer, r custody.Recovered) {
	for _, key := range r.Lost {
		fmt.Fprintf(w, "lost: %s (%s)\n", printable(key.ID), printable(key.Bucket))
	}
	if r.Pages > 0 {
		fmt.Fprintf(w, "lost: what was in %d damaged places of the file. What they had is not known; a backup may tell\n", r.Pages)
	}
	if r.Older {
		fmt.Fprintln(w, "Some are from pages of which it is not known whether they are of the last state: records may be older than they were, and deleted connections and revoked keys of callers may be back. Look at: caddy token-store list; caddy token-store keys list")
	}
}
