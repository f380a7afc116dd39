// Package tokenstore is the engine of Caddy Token Store: it keeps OAuth2
// grants, hands out their access tokens, and refreshes these before they
// expire. It knows nothing of Caddy, and can be used in any Go program:
//
//	backend, err := bolt.Open("tokens.db", bolt.Options{})
//	…
//	store, err := tokenstore.Open(ctx, tokenstore.Options{Backend: backend, Key: key})
//	…
//	provider, err := tokenstore.NewProvider(tokenstore.ProviderConfig{
//		Name: "dropbox-demo", Preset: "dropbox", ClientID: "…", ClientSecret: secret.New("…"),
//	})
//	…
//	detach := store.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{provider}})
//	client := oauth2.NewClient(ctx, store.TokenSource(ctx, tokenstore.ID{Provider: "dropbox-demo", Name: "auth"}))
//
// # Words
//
// A provider is a SaaS as it is configured. A connection is one grant at a provider; its id
// is "provider/connection". Connections are data: they come and go without a
// new configuration. The token of a connection is its short-lived access token. Its generation is a number
// that grows by one with each refresh.
//
// # States
//
// What moves a connection from one state to another:
//
//	from           event                                          to
//	(none)         consent, import, first client credentials      ready
//	ready          refresh succeeds                               ready, next generation
//	ready          transient failure, or outcome unknown          retrying
//	ready          server refuses the client                      retrying; the provider pauses
//	retrying       refresh succeeds                               ready, next generation
//	retrying       failure again                                  retrying, with a longer wait
//	any            server says that the grant is gone             needs_consent: revoked
//	any            the same, after an outcome was unknown         needs_consent: interrupted_rotation
//	any            the same, and the client id is another one     needs_consent: client_changed
//	any            the same, and the database was restored since  needs_consent: database_restored
//	any            token ends, and there is no refresh token      needs_consent: no_refresh_token
//	needs_consent  consent, import                                ready, next generation
//	any            deletion                                       (none)
//
// Time alone, a clock that jumps, a lock that cannot be had or a storage that fails move nothing to
// needs_consent.
//
// # How a token is refreshed
//
// One flight at a time works on a connection, on a goroutine of its own that no
// caller can cancel. It takes the connection's lease and reads the record; it commits
// an intent; it calls the server; it commits the outcome; it publishes the token. A crash
// behind the intent leaves the intent open. Then nobody can know whether the refresh token was used, and whoever
// opens the store next sends it once more at once, which servers with a
// grace window accept. If the server then says that the grant is gone, the connection needs
// consent with the reason interrupted_rotation.
//
// If the outcome cannot be committed, the new tokens are kept in memory and handed out, and
// the commit is tried again each second until it succeeds. [Store.Health] and the observer tell.
//
// # Keys of callers
//
// The store keeps keys too, by which programs that use connections are known ([Store.CallerKeys]). It does not ask
// for them itself: who hands tokens out does.
//
// # Caveats
//
// A server that rotates refresh tokens without a grace window, and whose answer is lost on the way, has ended
// the grant; no client can prevent that. It is told from a revocation by its reason.
//
// A process that is killed while a token is unsaved (Health.Unsaved is not 0) loses that
// token, as the storage refused it.
//
// The tokens of connections that were used since the start are in memory in plain, and Go cannot wipe
// them. Whoever can read the process's memory can read them.
package tokenstore
