package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func consentStep() step {
	return step{
		name: "A person gives their consent",
		text: "Once, in a browser. This program is the browser here: it keeps cookies, follows redirects and " +
			"presses the two buttons. Caddy gets a refresh token out of it, and keeps that to itself.",
		run: consent,
	}
}

func consent(ctx context.Context, d *demo, p *printer) (string, error) {
	var last visit
	browser, err := newBrowser(d.transport, func(v visit) {
		last = v
		p.line(fmt.Sprintf("%-4s  %s  %s %s", v.method, p.style(pad(v.place, 50), cyan), p.style(fmt.Sprint(v.status), dim), v.what))
	})
	if err != nil {
		return "", err
	}
	p.blank()
	// The first button is the one on Caddy's page, the second the one on the stand-in's.
	asked, err := standin.Approve(ctx, browser, d.site()+"/connect/"+connection) //nolint:bodyclose // Submit closes it
	if err != nil {
		return "", err
	}
	done, err := standin.Submit(ctx, browser, asked, standin.Button{}, nil)
	if err != nil {
		return "", err
	}
	_ = done.Body.Close()
	if last.status != http.StatusOK || last.what != "“Connected”" {
		return "", unexpected{want: "a page “Connected” with status 200", got: fmt.Sprintf("%s with status %d", last.what, last.status)}
	}
	return "the connection " + connection + " is ready for use", nil
}
