package oauth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// The operations, as Error.Op names them.
const (
	opExchange          = "exchange"
	opRefresh           = "refresh"
	opClientCredentials = "client_credentials"
	opRevoke            = "revoke"
)

const (
	defaultTimeout = 20 * time.Second
	defaultMaxBody = 1 << 20
)

// Options adjust a Client. The zero value is good for production.
type Options struct {
	// Transport sends the requests; nil means one of the client's own, which
	// needs TLS 1.2 or later, takes no proxy from the environment, opens a
	// connection for each request, and that to public addresses only, but for
	// what an Endpoint allows. Any other must be an [http.Transport], or
	// behave as one towards net/http/httptrace, or else a failure to connect
	// counts as a request in doubt.
	Transport http.RoundTripper
	// Timeout bounds a whole exchange, from the dial to the last byte of the
	// answer. 0 means 20 s.
	Timeout time.Duration
	// MaxBody is how many bytes of an answer are read, before and after
	// decompression. 0 means 1 MiB.
	MaxBody int64
	// Now is the clock that expiries are counted from; nil means time.Now.
	Now func() time.Time
}

// Client speaks with authorization servers. Each of its calls sends exactly one
// HTTP request, or none if that is refused beforehand, and follows no redirect.
// Every error that it returns is an [*Error]. It is safe for concurrent use.
type Client struct {
	transport http.RoundTripper
	timeout   time.Duration
	maxBody   int64
	now       func() time.Time
}

// NewClient returns a client. Each program needs one only.
func NewClient(o Options) *Client {
	c := &Client{transport: o.Transport, timeout: o.Timeout, maxBody: o.MaxBody, now: o.Now}
	if c.transport == nil {
		c.transport = newTransport()
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.maxBody <= 0 {
		c.maxBody = defaultMaxBody
	}
	if c.now == nil {
		c.now = func() time.Time { return time.Now().Round(0) } // expiries go by the wall clock, also after a machine has slept
	}
	return c
}

// ExchangeRequest is an authorization code on its way to become a token.
type ExchangeRequest struct {
	Code secret.String
	// Verifier is the one whose challenge was in the authorization URL (RFC
	// 7636). It is not sent if the endpoint has NoPKCE.
	Verifier secret.String
	// RedirectURI must be the one of the authorization URL, byte by byte.
	RedirectURI string
}

// Exchange redeems an authorization code (RFC 6749 section 4.1.3).
func (c *Client) Exchange(ctx context.Context, e *Endpoint, r ExchangeRequest) (*Answer, error) {
	v := c.converse(e, opExchange, e.TokenParams, r.Code, r.Verifier)
	return v.token(ctx, e.TokenURL, func(ctx context.Context) (*oauth2.Token, error) {
		cfg := config(e, e.TokenURL)
		cfg.RedirectURL = r.RedirectURI
		var opts []oauth2.AuthCodeOption
		if !e.NoPKCE && !r.Verifier.IsZero() {
			opts = append(opts, oauth2.VerifierOption(r.Verifier.Reveal()))
		}
		return cfg.Exchange(ctx, r.Code.Reveal(), opts...)
	})
}

// Refresh asks for a new access token (RFC 6749 section 6). If the server
// rotates refresh tokens, the answer has a new one, and the old one may be
// invalid from then on. The cancellation of ctx aborts the call, and may leave
// it in doubt whether that has happened: pass a detached context. Without a
// refresh token it sends nothing and returns a transient error: that a grant is
// dead is for the server alone to say.
func (c *Client) Refresh(ctx context.Context, e *Endpoint, refreshToken secret.String) (*Answer, error) {
	if refreshToken.IsZero() {
		return nil, &Error{Op: opRefresh, Class: Transient, Reason: reasonNoToken}
	}
	tokenURL := e.TokenURL
	if e.RefreshURL != "" {
		tokenURL = e.RefreshURL
	}
	v := c.converse(e, opRefresh, e.RefreshParams, refreshToken)
	v.refreshToken = refreshToken
	return v.token(ctx, tokenURL, func(ctx context.Context) (*oauth2.Token, error) {
		// A token source of its own for each attempt: one that is kept would
		// keep its first context too, and with it that context's end.
		old := &oauth2.Token{RefreshToken: refreshToken.Reveal()}
		return config(e, tokenURL).TokenSource(ctx, old).Token()
	})
}

// ClientCredentials asks for an access token in the client's own name (RFC 6749
// section 4.4).
func (c *Client) ClientCredentials(ctx context.Context, e *Endpoint) (*Answer, error) {
	v := c.converse(e, opClientCredentials, e.TokenParams)
	return v.token(ctx, e.TokenURL, func(ctx context.Context) (*oauth2.Token, error) {
		cfg := clientcredentials.Config{
			ClientID:     e.ClientID,
			ClientSecret: e.secretToSend().Reveal(),
			TokenURL:     e.TokenURL,
			AuthStyle:    e.authStyle(),
		}
		if len(e.Scopes) > 0 {
			cfg.EndpointParams = map[string][]string{"scope": {e.joinScopes(e.Scopes)}}
		}
		return cfg.Token(ctx)
	})
}

// config is the endpoint as x/oauth2 knows it.
func config(e *Endpoint, tokenURL string) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     e.ClientID,
		ClientSecret: e.secretToSend().Reveal(),
		Endpoint: oauth2.Endpoint{
			AuthURL:   e.AuthorizeURL,
			TokenURL:  tokenURL,
			AuthStyle: e.authStyle(),
		},
	}
}

func (e *Endpoint) authStyle() oauth2.AuthStyle {
	if e.AuthStyle == AuthHeader {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

func (e *Endpoint) secretToSend() secret.String {
	if e.AuthStyle == AuthNone {
		return secret.String{}
	}
	return e.ClientSecret
}

// converse prepares one conversation; the secrets are those that it will send
// beside the client's own.
func (c *Client) converse(e *Endpoint, op string, params map[string]string, secrets ...secret.String) *conversation {
	return &conversation{
		client:   c,
		endpoint: e,
		op:       op,
		params:   params,
		secrets:  append(secrets, e.ClientSecret),
	}
}

// token lets x/oauth2 build and send a token request through v. What the server
// said is read by v alone: x/oauth2 sees a canonical form of it, or an error.
func (v *conversation) token(ctx context.Context, tokenURL string, ask func(context.Context) (*oauth2.Token, error)) (*Answer, error) {
	if CheckURL(tokenURL) != nil {
		return nil, &Error{Op: v.op, Class: Config, Reason: reasonURL}
	}
	ctx, cancel := context.WithTimeout(ctx, v.client.timeout)
	defer cancel()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, v.httpClient())
	if _, err := ask(ctx); err != nil {
		if known, ok := errors.AsType[*Error](err); ok {
			return nil, known
		}
		// Neither the transport nor the canonical form leaves x/oauth2 anything
		// to complain about. Should it find something nevertheless, what was
		// delivered is not lost.
		return nil, &Error{Op: v.op, Class: Transient, Reason: reasonMalformed, InDoubt: true, Delivered: v.answer}
	}
	return v.answer, nil
}

func (v *conversation) httpClient() *http.Client {
	return &http.Client{
		Transport: v,
		// The conversation refuses redirects before they come here. This is
		// the second lock on the door behind which a refresh token and a
		// client secret would be posted to whatever host a 307 names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
