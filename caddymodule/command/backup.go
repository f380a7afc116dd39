package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func backupCommand(c *client) *cobra.Command {
	o := &offline{client: c}
	var stopped bool
	cmd := &cobra.Command{
		Use:   "backup <file> [--offline [--database <path>]]",
		Short: "Writes a copy of the database, while Caddy runs",
		Long: `Writes a consistent copy of the database of a running Caddy, and reads it again to check it. The
file is readable only by you, and nothing is overwritten:

  $ caddy token-store backup /backups/tokens-$(date +%F).db

Everything in it is sealed as it is in the database, and the encryption key is not in it. It is written record by
record: unlike the database, it has nothing of records that were deleted or replaced. Without the
key a backup is worth nothing, so keep that too, elsewhere.

With --offline the database is opened here, which needs a Caddy that is stopped.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := interruptible(cmd)
			defer cancel()
			p := &progress{unit: mebibyte}
			stop := p.show(cmd.ErrOrStderr(), "Copying the database")
			made, err := makeBackup(ctx, c, o, stopped, args[0], p)
			stop()
			if err != nil {
				return err
			}
			return printBackup(cmd.OutOrStdout(), cmd.ErrOrStderr(), made)
		},
	}
	cmd.Flags().BoolVar(&stopped, "offline", false, "Open the database here; Caddy must not run")
	o.addFlags(cmd)
	return cmd
}

func makeBackup(ctx context.Context, c *client, o *offline, stopped bool, file string, p *progress) (custody.Backup, error) {
	if stopped {
		path, err := o.existing()
		if err != nil {
			return custody.Backup{}, err
		}
		made, err := custody.SaveOffline(ctx, path, file, p.update)
		if errors.Is(err, storage.ErrLocked) {
			return made, fmt.Errorf("%w; while Caddy runs, leave --offline out", err)
		}
		return made, withRemedy(err)
	}
	if o.path != "" || o.keyFile != "" {
		return custody.Backup{}, errors.New("--database and --encryption-key-file are for --offline; the running Caddy knows its own")
	}
	snapshot, err := c.backup()
	if err != nil {
		return custody.Backup{}, err
	}
	defer snapshot.Close()
	made, err := custody.Save(ctx, file, snapshot, p.update)
	return made, withRemedy(err)
}

// backup asks the admin API for a copy of the database. The caller must close it.
func (c *client) backup() (*storage.Snapshot, error) {
	resp, err := c.send(http.MethodPost, "/backup", nil) //nolint:bodyclose // closed with the snapshot
	if err != nil {
		return nil, err
	}
	return adminapi.ReadBackup(resp)
}

func printBackup(w, warnings io.Writer, made custody.Backup) error {
	if made.Content.Damaged > 0 {
		fmt.Fprintf(warnings, "%d of the records are damaged in the database, and so they are in the backup. They are told as damaged by: caddy token-store list\n",
			made.Content.Damaged)
	}
	_, err := fmt.Fprintf(w, "%s has %d records, %s. It opens with the encryption key whose fingerprint is %s\n",
		printable(made.Path), made.Content.Records, size(made.Size), made.Fingerprint)
	return err
}
