package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

func changeKeyCommand(c *client) *cobra.Command {
	o := &offline{client: c}
	cmd := &cobra.Command{
		Use:   "change-encryption-key <file> [--database <path>] [--encryption-key-file <file>]",
		Short: "Makes the key in a file the encryption key of the database, while Caddy is stopped",
		Long: `Makes the key in a file the encryption key of the database, in place of the one that is configured or beside
the database. If there is no such file, a new key is made and written there. Stop Caddy first, and run this as the user who
runs it:

  $ caddy token-store change-encryption-key /etc/caddy/tokens.key --config Caddyfile

Then write the new key into the configuration: encryption_key {file./etc/caddy/tokens.key}. No record is sealed
anew, but the database is written anew, so that the former key opens nothing in it. Should a former key be in wrong hands,
use rotate-key afterwards: who has that key and an old copy of the database has the key of the records too.

Backups that were made before open with the former key. Keep it as long as you keep them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, former, err := o.existingWithKey()
			if err != nil {
				return err
			}
			return changeKey(cmd, path, former, args[0])
		},
	}
	o.addFlags(cmd)
	return cmd
}

func changeKey(cmd *cobra.Command, path string, former seal.Key, file string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		// No key is to be made that nobody needs, and no directory because of a slip in a path.
		dir := filepath.Dir(file)
		if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return fmt.Errorf("there is no directory %s for the new key; make it first, or mend the path", dir)
		}
		if err := custody.CheckKey(cmd.Context(), path, former); err != nil {
			return withRemedy(err)
		}
	}
	next, made, err := seal.LoadOrCreateKeyFile(file)
	if err != nil {
		return withRemedy(err)
	}
	if made {
		fmt.Fprintf(cmd.ErrOrStderr(), "A new key was written to %s. Keep a copy of it elsewhere\n", printable(file))
	}
	if err := custody.ChangeKey(cmd.Context(), path, former, next); err != nil {
		return withRemedy(err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is now sealed with the key whose fingerprint is %s. Before you start Caddy, configure: encryption_key {file.%s}\n",
		printable(path), next.Fingerprint(), printable(file))
	return err
}
