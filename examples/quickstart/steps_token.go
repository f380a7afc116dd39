package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

func tokenStep() step {
	return step{
		name: "A program asks for the token",
		text: fmt.Sprintf("The route returns the access token of the moment, and never a refresh token. Dropbox's live "+
			"for four hours; those of the stand-in live for %d seconds, to give you something to see.",
			int(tokenLifetime.Seconds())),
		run: func(ctx context.Context, d *demo, p *printer) (string, error) {
			c := d.tokenCall()
			p.command(c.curl())
			a, err := c.send(ctx, d.client)
			if err != nil {
				return "", err
			}
			p.answer(a, tokenMembers...)
			t, err := readToken(a)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s, good for %s more", hideTokens(t.AccessToken), rounded(time.Until(t.ExpiresAt))), nil
		},
	}
}

// tokenCall asks for the token.
func (d *demo) tokenCall() call {
	return call{method: http.MethodPost, url: d.site() + "/token", header: []field{{"Accept", "application/json"}}}
}

// tokenMembers are the members of the answer that are shown.
var tokenMembers = []string{"access_token", "token_type", "expires_in", "expires_at"}

type token struct {
	AccessToken string    `json:"access_token"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// readToken reads an answer of the token endpoint.
func readToken(a answer) (token, error) {
	if err := a.wantsOK(); err != nil {
		return token{}, err
	}
	var t token
	if err := json.Unmarshal(a.body, &t); err != nil || t.AccessToken == "" {
		return token{}, unexpected{want: "a JSON document with an access_token", got: shown(a.body)}
	}
	if !t.ExpiresAt.After(time.Now()) {
		return token{}, unexpected{want: "a token that is still good", got: "one that expired at " + t.ExpiresAt.String()}
	}
	return t, nil
}
