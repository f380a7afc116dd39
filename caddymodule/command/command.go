// Package command has the command "caddy token-store". Most of it speaks to the admin
// API of a running Caddy, by which the file of the token store is locked. What is for a Caddy that does not
// run, such as restore, opens the file itself.
//
// No command prints a token. A key of a caller is printed once, by the command that makes it.
package command

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "token-store",
		Usage: "<command>",
		Short: "Manages the connections, keys and database of the token store",
		Long: `Manages the connections and keys of the token store of a running Caddy, by way of its
admin API, and its database, in part while Caddy is stopped. A connection is named
provider/connection, such as dropbox-demo/auth.

Connect an account, and see that it worked:

  $ caddy token-store connect dropbox-demo/auth
  $ caddy token-store list

No command prints a token. The key of a caller is printed once, by keys create.`,
		CobraFunc: setUp,
	})
}

func setUp(cmd *cobra.Command) {
	c := new(client)
	flags := cmd.PersistentFlags()
	flags.StringVar(&c.address, "address", "", "Address of the admin API, if not the default")
	flags.StringVarP(&c.config, "config", "c", "", "Configuration file that tells the address of the admin API, and where the database and its key are")
	flags.StringVarP(&c.adapter, "adapter", "a", "", "Name of the config adapter for the configuration file")
	group(cmd)
	addCommands(cmd,
		listCommand(c), showCommand(c),
		connectCommand(c), importCommand(c),
		refreshCommand(c), deleteCommand(c),
		keysCommand(c),
		backupCommand(c), restoreCommand(c),
		rotateCommand(c), changeKeyCommand(c), recoverCommand(c),
	)
}

func addCommands(cmd *cobra.Command, subcommands ...*cobra.Command) {
	for _, sub := range subcommands {
		explainArgs(sub)
	}
	cmd.AddCommand(subcommands...)
}
