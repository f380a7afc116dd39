package command

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// exitIncomplete is the exit status of a recovery or a list that could not have everything. It is not 1, which says that
// there is none at all.
const exitIncomplete = 2

// exit ends a command that has said all there is to say with an exit status.
func exit(cmd *cobra.Command, status int) error {
	cmd.SilenceErrors = true
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, nil })(cmd, nil)
}
