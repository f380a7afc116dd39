package admin

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

func apiError(status int, err error, message string) caddy.APIError {
	return caddy.APIError{HTTPStatus: status, Err: err, Message: message}
}

type knownError struct {
	err     error
	status  int
	message string
}

// known say for each error of the store what the admin API answers. The first that
// matches counts. The texts are fixed; what else an error has to say is in Caddy's log.
var known = []knownError{
	{tokenstore.ErrInvalidID, http.StatusBadRequest,
		"the connection's id is invalid; it is provider/connection, such as dropbox-demo/auth"},
	{tokenstore.ErrInvalidImport, http.StatusUnprocessableEntity,
		"the import is invalid; it needs an access_token or a refresh_token, made of visible ASCII characters and at most 16 KiB long"},
	{tokenstore.ErrNotFound, http.StatusNotFound,
		"there is no such connection, or its provider is not configured"},
	{tokenstore.ErrNoConsent, http.StatusConflict,
		"the provider uses client credentials, and needs nobody's consent; refresh the connection to get its first token"},
	{tokenstore.ErrConsentNeeded, http.StatusConflict,
		"the connection has no usable grant; make a login link and give the consent again"},
	{tokenstore.ErrMisconfigured, http.StatusBadGateway,
		"the authorization server refuses this client; check the provider's client_id, client_secret and scopes"},
	{tokenstore.ErrTooManyConsents, http.StatusTooManyRequests,
		"too many consents are pending; try again in a few minutes"},
	{tokenstore.ErrBackupRunning, http.StatusConflict,
		"another backup is being made; try again when it is done"},
	{tokenstore.ErrRotationRunning, http.StatusConflict,
		"the key is being rotated already; GET /token_store/rotation tells how far it is"},
	{tokenstore.ErrUnwritable, http.StatusConflict,
		"the database is damaged where the connection's record is, which can be neither changed nor deleted; save what is sound with: caddy token-store recover <new file>, while Caddy is stopped"},
	{tokenstore.ErrDamagedRecord, http.StatusConflict,
		"the connection's record is damaged; connect or import it again, or delete it"},
	{tokenstore.ErrClosed, http.StatusServiceUnavailable,
		"the token store is closing; try again"},
	{tokenstore.ErrUnavailable, http.StatusServiceUnavailable,
		"there is no new token for now; the connection's last_error tells why, and the store tries again by itself"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout,
		"it took too long; a refresh that was begun goes on"},
}

// answerError returns what the admin API answers in place of err. Caddy would send the
// text of any other error, whatever is in it.
func answerError(w http.ResponseWriter, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[caddy.APIError](err); ok {
		return known
	}
	setRetryAfter(w, err)
	for _, known := range known {
		if errors.Is(err, known.err) {
			return apiError(known.status, err, known.message)
		}
	}
	return apiError(http.StatusInternalServerError, err, "it failed; Caddy's log tells why")
}

// answerAbsent says that there is no such connection, as Caddy would.
func answerAbsent(w http.ResponseWriter) error {
	i := slices.IndexFunc(known, func(k knownError) bool { return errors.Is(k.err, tokenstore.ErrNotFound) })
	return answer(w, known[i].status, caddy.APIError{Message: known[i].message})
}

func setRetryAfter(w http.ResponseWriter, err error) {
	var after time.Duration
	if e, ok := errors.AsType[*tokenstore.UnavailableError](err); ok {
		after = e.RetryAfter
	}
	if e, ok := errors.AsType[*tokenstore.MisconfiguredError](err); ok {
		after = e.RetryAfter
	}
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
}
