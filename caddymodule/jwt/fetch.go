package jwt

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

const (
	fetchTimeout = 10 * time.Second // for all that it takes to have the keys
	maxAnswer    = 1 << 20
	maxRedirects = 3
)

// fetcher gets the keys of an issuer: where they are from the discovery document, each time anew, since they may
// move; and then the keys.
type fetcher struct {
	issuer string
	client *http.Client
}

func newFetcher(issuer string, private bool, client *http.Client) *fetcher {
	var transport http.RoundTripper
	if client != nil {
		transport = client.Transport
	}
	if transport == nil {
		transport = newTransport(dial.NewPolicy(private, issuer))
	}
	return &fetcher{issuer: issuer, client: &http.Client{Transport: answers{transport}, CheckRedirect: sameServer}}
}

// sameServer keeps a redirect from choosing who says what the issuer's keys are.
func sameServer(r *http.Request, via []*http.Request) error {
	first := via[0].URL
	if r.URL.Scheme != first.Scheme || r.URL.Host != first.Host || len(via) > maxRedirects {
		return errRedirect
	}
	return nil
}

// keys asks the issuer for its keys. All errors are those of errors.go, or a statusError.
//
// The key set of go-oidc would ask the server for each token that does not verify, and believe a key that was withdrawn
// until then.
func (f *fetcher) keys(ctx context.Context) (*keySet, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	where, err := f.discover(ctx)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	body, err := f.get(ctx, where)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	return parseKeySet(body)
}

// discover returns the jwks_uri of the issuer (OpenID Connect Discovery 1.0).
func (f *fetcher) discover(ctx context.Context) (string, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, f.client), f.issuer)
	if err != nil {
		return "", reason(err, errDiscovery)
	}
	var document struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		return "", errDiscovery
	}
	u, err := url.Parse(document.KeysURL)
	// A key set that came in the clear would make the issuer's https worthless.
	if err != nil || !isSafe(u) || u.Scheme == "http" && !strings.HasPrefix(f.issuer, "http:") {
		return "", errKeysURL
	}
	return document.KeysURL, nil
}

func (f *fetcher) get(ctx context.Context, where string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where, http.NoBody)
	if err != nil {
		return nil, errKeysURL
	}
	r.Header.Set("Cache-Control", "no-cache") // a proxy may not know yet that a key was withdrawn
	res, err := f.client.Do(r)
	if err != nil {
		return nil, reason(err, errBroken)
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// answers hands on complete answers of bounded size only. What else may come is an error here, before somebody reads it
// without bound or quotes it.
type answers struct {
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := a.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		res.Body = http.NoBody
		return res, nil
	case res.StatusCode != http.StatusOK:
		return nil, statusError(res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errTooLarge
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// reason returns what kind of failure err is: its text may quote the server. otherwise is for what is no
// failure of the network.
func reason(err, otherwise error) error {
	for _, known := range []error{errTooLarge, errRedirect} {
		if errors.Is(err, known) {
			return known
		}
	}
	if status, ok := errors.AsType[statusError](err); ok {
		return status
	}
	if _, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return errOtherIssuer
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errCertificate
	}
	if _, ok := errors.AsType[*dial.RefusedError](err); ok {
		return errAddress
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return errTimeout
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		return errConnect
	}
	return otherwise
}
