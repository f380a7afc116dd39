package admin

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// stallTimeout is how long whoever reads a backup may read nothing. Its file, and the right to make
// another, are kept so long.
const stallTimeout = time.Minute

// backup answers with a copy of the database, which is sealed. It is a POST, since it costs a copy
// each time.
func (a *api) backup(w http.ResponseWriter, r *http.Request) error {
	store, err := a.store()
	if err != nil {
		return err
	}
	snapshot, err := store.Backup(r.Context())
	if err != nil {
		return backupError(err)
	}
	defer func() { _ = snapshot.Close() }() // nothing of it is left in any case
	adminapi.SetBackup(w.Header(), snapshot)
	w.WriteHeader(http.StatusOK)
	// If it fails, the connection ends before the length that was told, and whoever reads knows. There is
	// no status to change any more, and an error's text would be taken for a part of the backup.
	_, _ = io.Copy(patient{w, http.NewResponseController(w), a.now}, snapshot)
	return nil
}

func backupError(err error) error {
	switch {
	case errors.Is(err, storage.ErrDamaged):
		return apiError(http.StatusConflict, err,
			"the database is damaged so that it cannot be read to its end; stop Caddy and save the sound records with: caddy token-store recover")
	case errors.Is(err, storage.ErrUnavailable):
		return apiError(http.StatusServiceUnavailable, err,
			"the copy could not be made: it needs as much room as the database, on the same disk; Caddy's log tells why")
	case errors.Is(err, errors.ErrUnsupported):
		return apiError(http.StatusNotImplemented, err, "this storage is backed up by its own means")
	}
	return err
}

// patient gives up on a reader that takes nothing for stallTimeout.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	now     func() time.Time
}

// Write implements [io.Writer]. Where deadlines are not supported there are none.
func (p patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(p.now().Add(stallTimeout))
	return p.ResponseWriter.Write(b)
}
