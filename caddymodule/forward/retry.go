package forward

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// Outcomes of a retry.
const (
	retryOK            = "ok"
	retryStill401      = "still_401"
	retryNotReplayable = "not_replayable"
	retryRefreshFailed = "refresh_failed"
)

// retry has the token refreshed that the API refused with res, and sends out
// again if it can. It returns the second answer, whatever it is, or res, untouched.
func (t *Transport) retry(out *http.Request, res *http.Response, again replay, e *errand) (*http.Response, error) {
	// Before the refresh: what is not sent by now is not going to be.
	body, replayable := again.body()
	fresh, err := t.refreshed(out.Context(), e.token)
	outcome := retryOK
	defer func() { t.metrics().Retried(e.id.Provider, outcome) }()
	if err != nil {
		outcome = retryRefreshFailed
		return res, nil
	}
	e.spent, e.token = e.token, fresh
	if !replayable {
		outcome = retryNotReplayable
		return res, nil
	}
	second, err := resend(out, body)
	if err != nil {
		outcome = retryNotReplayable
		return res, nil
	}
	e.host.Inject.Set(second.Header, fresh)
	discard(res)
	res, err = t.send(second)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		outcome = retryStill401
	}
	return res, err
}

// refreshed returns a token that is not the refused one.
func (t *Transport) refreshed(ctx context.Context, refused *tokenstore.Token) (*tokenstore.Token, error) {
	store, err := t.store()
	if err != nil {
		return nil, err
	}
	fresh, err := store.Rejected(ctx, refused)
	if err == nil && fresh.Value.Equal(refused.Value) {
		err = errors.New("no newer token")
	}
	return fresh, err
}

// resend makes the second request. http.Transport may still be reading the first one.
func resend(first *http.Request, getBody func() (io.ReadCloser, error)) (*http.Request, error) {
	second := new(http.Request)
	*second = *first
	second.Header = first.Header.Clone()
	second.Body, second.GetBody = nil, getBody
	if getBody == nil {
		return second, nil
	}
	var err error
	second.Body, err = getBody()
	return second, err
}
