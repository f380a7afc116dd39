package command

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func createKeyCommand(c *client) *cobra.Command {
	var spec adminapi.KeySpec
	var expires string
	cmd := &cobra.Command{
		Use: "create <name> --allow <provider>/<connection>... [--methods <methods>] [--paths <paths>]\n" +
			"    [--origin <origins>] [--expires <duration>]",
		Short: "Makes a key and prints it, once",
		Long: `Makes a key and prints it to standard output, and nothing else there. It is told once: only
a hash of it is kept. The umask keeps others from reading the file. Lists are separated by commas, or their flag is repeated:

  $ umask 077
  $ caddy token-store keys create backend --allow dropbox-demo/auth \
      --methods GET,POST --paths "/2/files/*" --expires 30d > backend.key

A connection may be provider/*, which stands for all of that provider. A path is one of the API, and may
end in a *. A key with an origin, such as https://app.example.com, is for pages of that origin only.
What is left out is not restricted. A key with methods or paths cannot be used to get the bare token.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Name = args[0]
			if err := refuseEmpty(cmd, spec, expires); err != nil {
				return err
			}
			if err := complete(&spec, expires, time.Now()); err != nil {
				return err
			}
			return createKey(cmd, c, spec)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&spec.Connections, "allow", nil, "Connections that the key is for, at least one")
	flags.StringSliceVar(&spec.Methods, "methods", nil, "Methods that it is for")
	flags.StringSliceVar(&spec.Paths, "paths", nil, "Paths of the API that it is for")
	flags.StringSliceVar(&spec.Origins, "origin", nil, "Origins of the pages that it is for")
	flags.StringVar(&expires, "expires", "", "When it ends, from now: 30d, 12h; never if it is left out")
	return cmd
}

// refuseEmpty refuses --paths "$PATHS" where the variable is not set: it is meant as a restriction, and
// would be none.
func refuseEmpty(cmd *cobra.Command, spec adminapi.KeySpec, expires string) error {
	for _, flag := range []struct {
		name  string
		empty bool
	}{
		{"allow", len(spec.Connections) == 0},
		{"methods", len(spec.Methods) == 0},
		{"paths", len(spec.Paths) == 0},
		{"origin", len(spec.Origins) == 0},
		{"expires", expires == ""},
	} {
		if flag.empty && cmd.Flags().Changed(flag.name) {
			return fmt.Errorf("--%s is empty; give it a value, or leave it out", flag.name)
		}
	}
	return nil
}

// complete makes what the flags say into what is asked for.
func complete(spec *adminapi.KeySpec, expires string, now time.Time) error {
	if len(spec.Connections) == 0 {
		return errors.New("say what the key is for, such as --allow dropbox-demo/auth")
	}
	for i, method := range spec.Methods {
		spec.Methods[i] = strings.ToUpper(method)
	}
	if expires == "" {
		return nil
	}
	lifetime, err := caddy.ParseDuration(expires)
	if err != nil || lifetime <= 0 {
		return fmt.Errorf("--expires %q is no time from now on; write it as 30d or 12h", expires)
	}
	spec.ExpiresAt = now.Add(lifetime).UTC()
	return nil
}

func createKey(cmd *cobra.Command, c *client, spec adminapi.KeySpec) error {
	made, err := c.createKey(spec)
	if err != nil {
		return err
	}
	explainKey(cmd.ErrOrStderr(), made.Key, time.Now())
	c.warnOfMissing(cmd.ErrOrStderr(), spec.Connections)
	_, err = fmt.Fprintln(cmd.OutOrStdout(), printable(made.Secret.Reveal()))
	return err
}

// explainKey says what the key is for, so that a slip is seen at once.
func explainKey(w io.Writer, key adminapi.Key, now time.Time) {
	fmt.Fprintf(w, "This is the key of %s. It is told only now: keep it as a secret.\n", printable(key.Name))
	fmt.Fprintf(w, "It is for %s", words(key.Connections))
	for _, limit := range []struct {
		what    string
		entries []string
	}{{"methods", key.Methods}, {"paths", key.Paths}, {"pages of", key.Origins}} {
		if len(limit.entries) > 0 {
			fmt.Fprintf(w, ", %s %s", limit.what, words(limit.entries))
		}
	}
	if key.ExpiresAt.IsZero() {
		fmt.Fprint(w, ", and never expires.\n")
	} else {
		fmt.Fprintf(w, ", and expires in %s.\n", fromNow(key.ExpiresAt, now))
	}
	fmt.Fprintf(w, "Send it as Authorization: Bearer. End it with: caddy token-store keys revoke %s\n", printable(key.Name))
}

// warnOfMissing names the connections that do not exist yet; they may be made later.
func (c *client) warnOfMissing(w io.Writer, connections []string) {
	for _, pattern := range connections {
		id, err := tokenstore.ParseID(pattern)
		if err != nil || id.Name == "*" {
			continue
		}
		if _, err := c.show(id); notFound(err) {
			fmt.Fprintf(w, "There is no connection %s yet. Make it with: caddy token-store connect %s\n", printable(pattern), printable(pattern))
		}
	}
}
