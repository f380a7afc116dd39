package standin

import (
	"slices"
	"time"
)

// Rotation says what a refresh does to the refresh token.
type Rotation int

const (
	// RotateNever keeps the refresh token, and sends none in the answer to a
	// refresh, as Dropbox does.
	RotateNever Rotation = iota
	// RotateAlways answers each refresh with a new refresh token and supersedes
	// the one that was used.
	RotateAlways
)

// ClientAuth says how a client with a secret must authenticate.
type ClientAuth int

const (
	// AuthAny takes HTTP Basic and the body, but not both in one request.
	AuthAny ClientAuth = iota
	// AuthBasic demands HTTP Basic (client_secret_basic).
	AuthBasic
	// AuthBody demands client_id and client_secret in the body
	// (client_secret_post).
	AuthBody
)

// Defaults of [Options].
const (
	DefaultAccessLifetime = 4 * time.Hour
	DefaultMaxBytes       = 256 << 20
	DefaultJournalSize    = 4096
)

// MaxCodeLifetime is how long an authorization code may live at most.
const MaxCodeLifetime = time.Minute

// Options say how a stand-in behaves. The zero value behaves like Dropbox with
// token_access_type=offline, but has no client yet.
type Options struct {
	// Clients are those that are registered from the start. See also
	// [Server.SetClient].
	Clients []Client

	// Accounts are the people who can consent. With more than one, the consent
	// page asks which; a login_hint in the authorization request preselects by
	// e-mail address or ID. Empty means one account, made up.
	Accounts []Account

	// AccessLifetime of access tokens; zero means DefaultAccessLifetime.
	AccessLifetime time.Duration
	// RefreshLifetime of each refresh token, from when it is issued; zero means
	// that they do not expire.
	RefreshLifetime time.Duration
	// RefreshIdle is how long a refresh token may lie unused; zero means for
	// ever.
	RefreshIdle time.Duration
	// CodeLifetime of authorization codes; zero, or more than MaxCodeLifetime,
	// means MaxCodeLifetime.
	CodeLifetime time.Duration

	// Rotation of refresh tokens.
	Rotation Rotation
	// Grace is how long the most recently superseded refresh token still works.
	// Each use of it within that time issues one more live successor; it ends
	// early when one of the successors is used. Zero means not at all.
	Grace time.Duration
	// ReuseKeepsFamily turns reuse detection off: a superseded refresh token is
	// refused, but what was issued after it lives on.
	ReuseKeepsFamily bool
	// OfflineOnly issues a refresh token only if the authorization request said
	// token_access_type=offline, as Dropbox does.
	OfflineOnly bool
	// OmitExpiresIn leaves expires_in out of the answers of the token endpoint.
	OmitExpiresIn bool

	// ClientAuth is what clients with a secret must use.
	ClientAuth ClientAuth
	// JSONBody makes the token and revocation endpoints take their parameters as
	// a JSON object of strings, and no form.
	JSONBody bool
	// RequirePKCE refuses authorization requests without a code challenge. A
	// client without a secret always needs one.
	RequirePKCE bool
	// Scopes are those that can be granted; empty means any. A request that
	// names no scope gets all of them, or DropboxScopes if this is empty.
	Scopes []string

	// Issuer is the issuer identifier. Empty means the scheme and host that the
	// request came to.
	Issuer string

	// NoCORS stops the API from answering with Access-Control-Allow-Origin: *,
	// which it does as Dropbox does.
	NoCORS bool
	// MaxBytes bounds the content of all files and upload sessions together;
	// zero means DefaultMaxBytes.
	MaxBytes int64
	// JournalSize bounds the journal; the oldest entries are forgotten. Zero
	// means DefaultJournalSize.
	JournalSize int

	// Addresses for Start; empty means 127.0.0.1 and a free port.
	OAuthAddr, APIAddr, ContentAddr string
	// InMemory makes Start listen in memory instead of on TCP, so that it can be
	// used in a testing/synctest bubble. Only Client then reaches the server.
	InMemory bool

	// Now is the clock that tokens expire by; nil means time.Now.
	Now func() time.Time
}

// DropboxScopes returns the scopes of the parts of the Dropbox API that the
// stand-in has.
func DropboxScopes() []string {
	return []string{
		"account_info.read",
		"files.content.read",
		"files.content.write",
		"files.metadata.read",
		"files.metadata.write",
	}
}

// withDefaults returns o with every zero value that has a default replaced.
func (o Options) withDefaults() Options {
	if o.AccessLifetime == 0 {
		o.AccessLifetime = DefaultAccessLifetime
	}
	if o.CodeLifetime <= 0 || o.CodeLifetime > MaxCodeLifetime {
		o.CodeLifetime = MaxCodeLifetime
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.JournalSize <= 0 {
		o.JournalSize = DefaultJournalSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Accounts = slices.Clone(o.Accounts)
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{madeUpAccount()}
	}
	o.Scopes = slices.Clone(o.Scopes)
	return o
}

// defaultScopes are granted to a request that names none.
func (o Options) defaultScopes() []string {
	if len(o.Scopes) > 0 {
		return slices.Clone(o.Scopes)
	}
	return DropboxScopes()
}

// knows reports whether every one of scopes can be granted.
func (o Options) knows(scopes []string) bool {
	return len(o.Scopes) == 0 || subset(scopes, o.Scopes)
}

// subset reports whether every one of a is in b.
func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
