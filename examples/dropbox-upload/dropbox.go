package main

import (
	"fmt"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// tokenLifetime of the stand-in's tokens is short enough that somebody who goes on using the
// page sees one expire, and notices nothing. Dropbox's live four hours.
const tokenLifetime = time.Minute

// dropbox is where Dropbox is: the real one, or the stand-in.
type dropbox struct {
	apiURL, contentURL string
	// variables fill in the Caddyfile.
	variables []string
	standin   *standin.Server // nil for the real one
}

// realDropbox is what the Caddyfile says without variables. Of the secret it only says where
// it is, so that the secret itself never is a part of Caddy's configuration.
func realDropbox() *dropbox {
	return &dropbox{
		apiURL:     "https://api.dropboxapi.com",
		contentURL: "https://content.dropboxapi.com",
		variables: []string{
			"UPLOAD_CLIENT_ID={env." + clientIDVariable + "}",
			"UPLOAD_CLIENT_SECRET={env." + clientSecretVariable + "}",
		},
	}
}

// startStandin starts a stand-in that knows one client.
func startStandin(redirectURI string, ports [3]int) (*dropbox, error) {
	const clientID, clientSecret = "demo", "not-a-secret"
	server := standin.New(standin.Options{
		Clients:        []standin.Client{{ID: clientID, Secret: clientSecret, Name: "Contact form", RedirectURIs: []string{redirectURI}}},
		AccessLifetime: tokenLifetime,
		OfflineOnly:    true,
		OAuthAddr:      address(ports[0]),
		APIAddr:        address(ports[1]),
		ContentAddr:    address(ports[2]),
	})
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start the stand-in: %w", err)
	}
	return &dropbox{
		apiURL:     server.APIURL(),
		contentURL: server.ContentURL(),
		standin:    server,
		variables: []string{
			"UPLOAD_CLIENT_ID=" + clientID,
			"UPLOAD_CLIENT_SECRET=" + clientSecret,
			"UPLOAD_AUTHORIZE_URL=" + server.OAuthURL() + "/oauth2/authorize",
			"UPLOAD_TOKEN_URL=" + server.OAuthURL() + "/oauth2/token",
			"UPLOAD_REVOKE_URL=" + server.APIURL() + "/2/auth/token/revoke",
			"UPLOAD_API_URL=" + server.APIURL(),
			"UPLOAD_CONTENT_URL=" + server.ContentURL(),
		},
	}, nil
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func (d *dropbox) close() error {
	if d.standin == nil {
		return nil
	}
	return d.standin.Close()
}
