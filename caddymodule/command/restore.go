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

func restoreCommand(c *client) *cobra.Command {
	o := &offline{client: c}
	var replace bool
	cmd := &cobra.Command{
		Use:   "restore <file> [--replace] [--database <path>] [--encryption-key-file <file>]",
		Short: "Puts a backup into the place of the database, while Caddy is stopped",
		Long: `Puts a backup into the place of the database. Stop Caddy first, and run this as the user who runs it:

  $ caddy token-store restore /backups/tokens-2026-01-31.db --config Caddyfile

Nothing is touched before all of the backup was opened with the encryption key. If there is a database,
--replace is needed, and the former one is kept beside it under another name. The key is that of the time of the backup. If
Caddy would use another one, by the configuration or beside the database, that is said at the end, and what to do.

Take the newest backup there is. Where a server gives a new refresh token with each refresh, those of an older
backup are used up: their connections need consent again, for the reason database_restored, and some
servers end the grant when they see the old one. Keys of callers that were revoked since are valid again, and
connections that were deleted since are back: with --replace they are named. Revoke and delete them again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := isFile(args[0], "backup", "name the file that backup has written"); err != nil {
				return err
			}
			path, err := o.locate()
			if err != nil {
				return err
			}
			key, err := o.key(path)
			if err != nil {
				return err
			}
			ctx, cancel := interruptible(cmd)
			defer cancel()
			p := &progress{unit: mebibyte}
			stop := p.show(cmd.ErrOrStderr(), "Restoring the database")
			done, err := custody.Restore{
				Backup: args[0], Database: path, Key: key, Replace: replace, Now: time.Now(), Progress: p.update,
			}.Run(ctx)
			stop()
			if err != nil {
				return withRestoreRemedy(err, replace)
			}
			advice, err := o.keyAdvice(done.Path, key)
			if err != nil {
				advice = fmt.Sprintf("Caddy's key cannot be told: %s. See that Caddy has the key in %s", printable(err.Error()), printable(o.keyFile))
			}
			return printRestored(cmd.OutOrStdout(), cmd.ErrOrStderr(), done, advice)
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "Allow that there is a database, and keep it under another name")
	o.addFlags(cmd)
	return cmd
}

// printRestored says what was done, and what is to be done next: as advised, if Caddy would use another key.
func printRestored(w, hints io.Writer, done custody.Restored, advice string) error {
	if done.Aside != "" {
		fmt.Fprintf(hints, "The former database is now %s\n", printable(done.Aside))
	}
	printReturned(hints, done.Returned)
	next := ". Now start Caddy"
	if advice != "" {
		next = ", but Caddy may not find its key"
	}
	if _, err := fmt.Fprintf(w, "%s is restored, with %d records%s\n", printable(done.Path), done.Records, next); err != nil {
		return err
	}
	if advice != "" {
		fmt.Fprintln(hints, advice)
	}
	return nil
}

// maxReturned is how many records are named that came back.
const maxReturned = 50

// printReturned says what was deleted since the backup was made, and is back.
func printReturned(w io.Writer, back []storage.Key) {
	for _, key := range back[:min(len(back), maxReturned)] {
		fmt.Fprintf(w, "back again: %s (%s)\n", printable(key.ID), printable(key.Bucket))
	}
	if len(back) > maxReturned {
		fmt.Fprintf(w, "back again: %d more\n", len(back)-maxReturned)
	}
	if len(back) > 0 {
		fmt.Fprintln(w, "The former database does not have these. Revoke and delete again what you do not want: caddy token-store keys list; caddy token-store list")
	}
}

func withRestoreRemedy(err error, replace bool) error {
	switch {
	case errors.Is(err, custody.ErrExists) && !replace:
		return fmt.Errorf("%w; to put the backup in its place, and keep it under another name, add --replace", err)
	case errors.Is(err, seal.ErrWrongKey):
		return fmt.Errorf("%w; nothing was changed; name the file with the key of the time of the backup with --encryption-key-file", err)
	}
	return withRemedy(err)
}
