package bolt

import (
	"errors"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// ErrNewerFormat is wrapped by the error of [Open] if the file was written by
// a newer version of this package. The file was not touched.
var ErrNewerFormat = errors.New("file has a newer format")

// errKey says that a key cannot be stored at all, whatever the state of the file.
var errKey = errors.New("key is not valid")

// recordError adds to err what was to be done with which record.
func recordError(op string, k storage.Key, err error) error {
	return fmt.Errorf("%s %q in bucket %q: %w", op, k.ID, k.Bucket, err)
}

// unavailable hides the sentinels of cause on purpose: that the whole file
// cannot be used now says nothing about the one record that was asked for, and
// a caller must not take that record for damaged.
func unavailable(what string, cause error) error {
	return fmt.Errorf("%w: %s: %v", storage.ErrUnavailable, what, cause) //nolint:errorlint // see above
}
