package command

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/custody"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// withRemedy adds what to do next to an error of the commands that work with files, where the error itself
// does not say it. A text that says it already, such as one about a mode, is left alone.
func withRemedy(err error) error {
	for _, known := range []struct {
		is     error
		remedy string
	}{
		{custody.ErrUnsound, ""}, // says it
		{seal.ErrWrongKey, "name the file that has the right key with --encryption-key-file"},
		{storage.ErrLocked, "nothing was changed"},
		{custody.ErrExists, "nothing is overwritten: choose another name, or move that file away"},
		{bolt.ErrNewerFormat, "use the Caddy that wrote it, or a newer one"},
		{seal.ErrNewerFormat, "use the Caddy that wrote it, or a newer one"},
		{storage.ErrDamaged, "see that it is the right file: if it is, save what is in it with: caddy token-store recover <new file> --database <this file>"},
		{fs.ErrPermission, "run this as the user who runs Caddy, and see that this user may write there"},
		{syscall.ENOSPC, "make room on that disk"},
		{syscall.EROFS, "choose a place that can be written"},
	} {
		if errors.Is(err, known.is) {
			if known.remedy == "" {
				return err
			}
			return fmt.Errorf("%w; %s", err, known.remedy)
		}
	}
	return err
}
