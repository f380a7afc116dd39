// Package admin adds the routes of the token store to Caddy's admin API, below /token_store/. Package
// adminapi has their documents. No route tells a token.
package admin
