package standin_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// A client gets a grant by consent. Its first refresh then meets an overloaded
// server, and the second one succeeds.
func Example() {
	server := standin.New(standin.Options{
		Clients: []standin.Client{{
			ID:           "demo",
			Secret:       "secret",
			RedirectURIs: []string{"http://127.0.0.1:9/callback"},
		}},
		Rotation: standin.RotateAlways,
	})
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	config := &oauth2.Config{
		ClientID:     "demo",
		ClientSecret: "secret",
		RedirectURL:  "http://127.0.0.1:9/callback",
		Scopes:       []string{"files.content.write"},
		Endpoint: oauth2.Endpoint{
			AuthURL:   server.OAuthURL() + "/oauth2/authorize",
			TokenURL:  server.OAuthURL() + "/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}

	// Nothing listens at the callback here, so stop at the redirect to it.
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, server.Client())
	back, err := standin.Approve(ctx, browser, config.AuthCodeURL("state"))
	if err != nil {
		log.Fatal(err)
	}
	defer back.Body.Close()
	location, err := back.Location()
	if err != nil {
		log.Fatal(err)
	}
	token, err := config.Exchange(ctx, location.Query().Get("code"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("granted:", token.Extra("scope"))

	server.Script(standin.Fault{GrantType: "refresh_token", Status: 503})
	for range 2 {
		_, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		fmt.Println("refreshed:", err == nil)
	}
	fmt.Println("refreshes seen:", server.Refreshes())
	fmt.Println("generation:", server.Families()[0].Generation)

	// Output:
	// granted: files.content.write
	// refreshed: false
	// refreshed: true
	// refreshes seen: 2
	// generation: 2
}
