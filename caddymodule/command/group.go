package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// group makes of cmd one that has subcommands and does nothing by itself but print its help. cobra would
// print that too, and report success, where a subcommand is misspelt.
func group(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	cmd.DisableFlagsInUseLine = true
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownSubcommand(cmd, args[0])
		}
		return cmd.Help()
	}
	cmd.SetFlagErrorFunc(flagError)
}

func unknownSubcommand(cmd *cobra.Command, name string) error {
	near := ""
	if names := cmd.SuggestionsFor(name); len(names) > 0 {
		near = "; did you mean " + strings.Join(names, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q for %q%s\nAll of them are told by: %[2]s --help", printable(name), cmd.CommandPath(), near)
}

// flagError says where the flags of a command are told. The flags of a misspelt subcommand are unknown to its group, but
// they are not what is wrong.
func flagError(cmd *cobra.Command, err error) error {
	if before := cmd.Flags().Args(); cmd.HasSubCommands() && len(before) > 0 {
		return unknownSubcommand(cmd, before[0])
	}
	return fmt.Errorf("%w; for the flags: %s --help", err, cmd.CommandPath())
}

// explainArgs adds to what cobra says about a wrong number of arguments how the command is written.
func explainArgs(cmd *cobra.Command) {
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return fmt.Errorf("%w; write: %s", err, cmd.UseLine())
		}
		return nil
	}
}
