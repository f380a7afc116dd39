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
// This table has all that moves a connection from one state to another, and a test holds the store to it:
//
//	from             event                                 to
//	(none)           consent or import                     ready, next generation
//	(none)           refresh succeeds                      ready, next generation
//	(none)           failure that passes                   retrying
//	(none)           server refuses the client             retrying
//	(none)           answer is lost                        ready
//	(none)           intent cannot be saved                (none)
//	ready            consent or import                     ready, next generation
//	ready            refresh succeeds                      ready, next generation
//	ready            failure that passes                   retrying
//	ready            server refuses the client             retrying
//	ready            answer is lost                        ready
//	ready            answer is lost again                  retrying
//	ready            broken answer brings a refresh token  retrying, next generation
//	ready            intent cannot be saved                ready
//	ready            token is over, and no refresh token   needs_consent: no_refresh_token
//	retrying         consent or import                     ready, next generation
//	retrying         refresh succeeds                      ready, next generation
//	retrying         failure that passes                   retrying
//	retrying         server refuses the client             retrying
//	retrying         answer is lost                        retrying
//	retrying         answer is lost again                  retrying
//	retrying         broken answer brings a refresh token  retrying, next generation
//	retrying         intent cannot be saved                retrying
//	ready, retrying  grant is gone                         needs_consent: revoked
//	ready, retrying  grant is gone, after a lost answer    needs_consent: interrupted_rotation
//	ready, retrying  grant is gone, from another client    needs_consent: client_changed
//	ready, retrying  grant is gone, from a restored copy   needs_consent: database_restored
//	needs_consent    consent or import                     ready, next generation
//	ready            deletion                              (none)
//	retrying         deletion                              (none)
//	needs_consent    deletion                              (none)
//
// Connections that do not exist are refreshed only if their provider needs nobody's consent (client
// credentials). An answer is lost if the request was sent and no whole answer came; the same request is then
// sent once more at once. Only the server says that a grant is gone, and it is believed after the record was
// read again: a verdict about a token that somebody else has replaced meanwhile moves nothing. A server that refuses the
// client pauses the provider.
//
// # Pauses
//
// A provider is not called while its server refuses the client, or has asked to wait. A server that cannot be
// reached, gives no whole answer or fails (5xx) five times in a row, whichever connections and providers asked, is called by none of the
// providers whose tokens it refreshes: those with the same scheme, host and port. The pause doubles, from ten seconds to five
// minutes. When it is over, one call is made; if that goes well, all others follow. New settings end what
// a provider's server held against the old ones, and not the pause of a server that is down.
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
// # When a token is refreshed
//
// When a connection is due is in an index of the storage; a connection that waits takes no memory for that. What is due gets from the index
// into a queue of its provider, of 4096 at the most, and is started from there as fast as the provider may be called: in the order of the times, evenly
// over each second, with one place left for callers. One provider with very many connections that are due, or one that is not configured any more, keeps
// no other waiting. The whole index is read again twice in a minute, and at most once a second.
//
// What cannot be refreshed takes no place in the rate: a record that is damaged, a connection without a grant, an entry
// that belongs to nothing. It is tried after five seconds, then after ten, and so on up to an hour, and at once
// when its record is written.
//
// Where the index is damaged, entries cannot be moved. A record is saved there with the due time that it had, since the grant in it matters
// more; when it is really due is kept in memory. After a restart such a connection is looked at as soon as the index says, and
// called for if its record says so too. What the index has lost altogether is found by a look through all records, once an hour as long as
// there is damage, which the observer is told of once a minute.
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
