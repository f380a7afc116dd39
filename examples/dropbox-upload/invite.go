package main

import (
	"fmt"
	"io"
)

// invite says what to do now that everything is up.
func invite(w io.Writer, s settings, adminPort int, log string) {
	account, tokens := inviteToStandin()
	if s.app != nil {
		account, tokens = inviteToDropbox(s)
	}
	mode := "forward: Caddy attaches the token, and the page never has one."
	if s.mode == returnMode {
		mode = "return: the page gets the token from Caddy, and calls Dropbox itself."
	}
	if s.verbose {
		log = "here"
	}
	_, _ = fmt.Fprintf(w, `
  Open %s

  1. Press "Connect Dropbox", once. %s
  2. Fill in the form and send it. The file is in the list then, to download again.
     %s

  Mode         %s
               For the other one: -mode %s
  Caddyfile    %s
  Caddy's log  %s
  Admin API    http://localhost:%d
               go run ./cmd/caddy token-store list --address localhost:%[8]d

  Ctrl-C stops all of it.
`, s.page(), account, tokens, mode, s.mode.other(), s.caddyfile(), log, adminPort)
}

func inviteToStandin() (account, tokens string) {
	return `This is a stand-in for Dropbox, so no account is needed:
     press "Continue", then "Allow".`,
		fmt.Sprintf("Tokens live for %.0f seconds here: leave the page open, and send again later.", tokenLifetime.Seconds())
}

func inviteToDropbox(s settings) (account, tokens string) {
	return `Your app at Dropbox needs this redirect URI:
     ` + s.redirectURI(),
		"The grant is kept, encrypted, in " + database()
}
