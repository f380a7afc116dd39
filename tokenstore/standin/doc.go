// Package standin is a stand-in for a SaaS with OAuth: an authorization server
// and an API like Dropbox's, in memory, for trying things out and for tests. It
// follows the standards where a real server would, and misbehaves on demand as no
// real server will.
//
// # Running it
//
// [New] makes a server, and [Server.Start] lets it listen on three ports of
// 127.0.0.1:
//
//	server := standin.New(standin.Options{
//		Clients: []standin.Client{{
//			ID:           "demo",
//			Secret:       "secret",
//			RedirectURIs: []string{"http://localhost:8080/connect/callback"},
//		}},
//		Rotation: standin.RotateAlways,
//	})
//	if err := server.Start(); err != nil {
//		return err
//	}
//	defer server.Close()
//
// [Server.OAuthURL], [Server.APIURL] and [Server.ContentURL] then say where.
// [Server.OAuth], [Server.API] and [Server.Content] are the same as handlers, for
// servers of your own (TLS, one port for all).
//
//	oauth    /oauth2/authorize             consent page; PKCE with S256, state, iss
//	         /oauth2/token                 authorization_code, refresh_token, client_credentials
//	         /oauth2/revoke                RFC 7009
//	         /2/auth/token/revoke          Dropbox's own way
//	         /.well-known/oauth-authorization-server
//	api      /2/users/get_current_account
//	         /2/files/get_metadata, list_folder, list_folder/continue, delete_v2
//	         /2/auth/token/revoke
//	content  /2/files/upload, download
//	         /2/files/upload_session/start, append_v2, finish
//
// The zero [Options] behave like Dropbox with token_access_type=offline: access
// tokens live four hours, refresh tokens never expire and never rotate. [RotateAlways] makes each refresh token
// good for one use, and a second use revoke the whole [Family], unless it comes
// within [Options.Grace].
//
// # Grants
//
// A person gives consent in a browser; [Approve] does the same in a test.
// [Server.IssueGrant] leaves the browser out.
//
// # Faults
//
// [Server.Script] says what goes wrong with which requests. The second refresh
// is answered by an overloaded server:
//
//	server.Script(standin.Fault{
//		GrantType: "refresh_token", Skip: 1,
//		Status: 503, Header: http.Header{"Retry-After": {"7"}},
//	})
//
// The next refresh rotates the token, and the connection breaks before the
// client learns of it:
//
//	server.Script(standin.Fault{
//		GrantType: "refresh_token", Stage: standin.After, Cut: true,
//	})
//
// # Looking
//
// The journal ([Server.Journal], [Server.Refreshes], [Server.Requests]) tells what
// was received, [Server.Families] and [Server.RefreshStatus] what became of the
// grants. The server itself never logs anything.
//
// # Time
//
// [Options.Now] is the clock that tokens expire by. Delays of faults are real
// time, or that of a testing/synctest bubble if [Options.InMemory] is set and the
// server is made, started and closed in the bubble.
//
// # Caveats
//
// It is for tests: whoever reaches it can consent, all is kept in memory (the
// last two million tokens of each kind), and nothing survives a restart. Never let it
// listen where others can reach it.
package standin
