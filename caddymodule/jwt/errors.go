package jwt

import (
	"errors"
	"strconv"
)

// ErrUnreachable is wrapped if the keys of the issuer cannot be had, so that nobody can tell whether a token is valid.
var ErrUnreachable = errors.New("the keys of the issuer cannot be had")

// Why the keys cannot be had. The texts go to the log: none holds a byte of what a server said.
var (
	errTimeout     = errors.New("no full answer in time")
	errConnect     = errors.New("no connection to the server")
	errAddress     = errors.New("the address of the server is not a public one; if it is meant to be in a private network, write private in the block of allow jwt")
	errCertificate = errors.New("the certificate of the server is not valid for it, or not trusted here")
	errTooLarge    = errors.New("the answer has more than 1 MiB")
	errRedirect    = errors.New("redirected to another host, or too often")
	errBroken      = errors.New("the connection broke, or carried no HTTP")
	errOtherIssuer = errors.New("the discovery document is of another issuer; write the issuer as it does there, with or without a slash at its end")
	errDiscovery   = errors.New("the discovery document cannot be understood")
	errKeysURL     = errors.New("the discovery document names no https URL as jwks_uri")
	errKeySet      = errors.New("the key set cannot be understood")
	errNoKeys      = errors.New("the key set has no public key for signatures that is strong enough")
	errPanic       = errors.New("the answer made a library fail")
)

// statusError is an answer that is neither 200 nor a redirect.
type statusError int

// Error implements error.
func (e statusError) Error() string { return "status " + strconv.Itoa(int(e)) }
