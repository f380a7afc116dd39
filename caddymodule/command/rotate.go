package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
)

// rotationPoll is how often is asked how far a rotation is.
const rotationPoll = 200 * time.Millisecond

func rotateCommand(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate-key",
		Short: "Seals every record under a new key, while Caddy runs",
		Long: `Makes a new key for the records, seals all of them under it, and drops the former key. Tokens are
served and refreshed meanwhile. If it is cut short, by Ctrl-C here, a crash or a restart, Caddy goes on with it by itself;
called again, this command waits for it.

This is the key that seals records. It is kept in the database, sealed with the encryption key, which stays the
same; to change that one, use change-encryption-key.

The former key is dropped from the keyset, but pages of the file that are free keep it, and copies of records it opens, until they are
used again. Who has the encryption key can read them there. New backups have nothing of it. To be rid of it in the database
too, stop Caddy, and put a backup that was made with backup --offline in its place with restore --replace.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := interruptible(cmd)
			defer cancel()
			_, err := c.rotation(http.MethodPost)
			if failure, ok := errors.AsType[*apiError](err); ok && failure.status == http.StatusConflict {
				fmt.Fprintln(cmd.ErrOrStderr(), "A rotation is under way already; this waits for it")
			} else if err != nil {
				return err
			}
			p := &progress{unit: 1}
			stop := p.show(cmd.ErrOrStderr(), "Sealing records under the new key")
			end, err := c.awaitRotation(ctx, p)
			stop()
			if err != nil {
				return err
			}
			return printRotation(cmd, end)
		},
	}
}

func (c *client) rotation(method string) (r adminapi.Rotation, err error) {
	return r, c.call(method, "/rotation", nil, &r)
}

// awaitRotation asks again and again until the rotation has ended.
func (c *client) awaitRotation(ctx context.Context, p *progress) (adminapi.Rotation, error) {
	tick := time.NewTicker(rotationPoll)
	defer tick.Stop()
	failures := 0
	for {
		r, err := c.rotation(http.MethodGet)
		switch {
		case err == nil && !r.Running:
			return r, nil
		case err == nil:
			failures = 0
			p.step(r)
		default:
			// While Caddy reloads its configuration a request may fail.
			if failures++; failures > maxFailures {
				return r, err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, errors.New("no longer waiting; Caddy goes on with the rotation by itself")
		}
	}
}

func (p *progress) step(r adminapi.Rotation) {
	doing := fmt.Sprintf("Sealing records under the new key: %d so far", r.Checked)
	if r.Problem != "" {
		doing += "; " + printable(r.Problem)
	}
	p.doing.Store(doing)
}

func printRotation(cmd *cobra.Command, r adminapi.Rotation) error {
	former := "the former key is dropped"
	if r.OlderKeys > 0 {
		former = "the former key is kept"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d records were looked at, %d sealed under the new key; %s\n", r.Checked, r.Resealed, former)
	if r.OlderKeys == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "Free pages of the database may still have it until they are used again; backups have not. To compact the database: caddy token-store rotate-key --help")
	}
	switch {
	case r.Problem != "":
		return errors.New(printable(r.Problem))
	case r.Unreadable > 0:
		return fmt.Errorf("%d records are damaged and cannot be sealed anew: connect them again or delete them (caddy token-store list tells which), and rotate the key again", r.Unreadable)
	case r.OlderKeys > 0:
		fmt.Fprintln(cmd.ErrOrStderr(), "A write whose outcome is not known may need the former key. It goes when Caddy is started the next time")
	}
	return nil
}
