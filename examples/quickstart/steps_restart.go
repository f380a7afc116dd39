package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"time"
)

func restartStep() step {
	return step{
		name: "Caddy restarts, and nobody has to consent again",
		text: "What is left meanwhile is the database, and everything in it is encrypted. The last call asks for a " +
			"refresh: that takes the refresh token which the old process stored last.",
		run: restart,
	}
}

func restart(ctx context.Context, d *demo, p *printer) (string, error) {
	before, err := d.family()
	if err != nil {
		return "", err
	}
	p.command([]string{"kill", fmt.Sprint(d.caddy.PID())})
	began := time.Now()
	if err := d.caddy.Stop(); err != nil {
		return "", fmt.Errorf("stop caddy: %w", err)
	}
	p.line(fmt.Sprintf("Caddy ended after %s.", rounded(time.Since(began))))
	size, err := d.readDatabase()
	if err != nil {
		return "", err
	}
	p.line(fmt.Sprintf("The database has %d KiB, and no token can be read in it.", size/1024))
	began = time.Now()
	if err := d.startCaddy(ctx); err != nil {
		return "", err
	}
	p.line(fmt.Sprintf("Caddy is up again after %s, as process %d.", rounded(time.Since(began)), d.caddy.PID()))
	return d.checkRestarted(ctx, p, before.Generation)
}

// checkRestarted uses both routes, and the refresh token.
func (d *demo) checkRestarted(ctx context.Context, p *printer, generation int) (string, error) {
	a, err := d.forward(ctx, p, d.listCall(), listed...)
	if err != nil {
		return "", err
	}
	if err := wantsFile(a); err != nil {
		return "", err
	}
	if a, err = d.forward(ctx, p, d.tokenCall(), tokenMembers...); err != nil {
		return "", err
	}
	if _, err := readToken(a); err != nil {
		return "", err
	}
	if _, err := d.forward(ctx, p, d.refreshCall(), connectionMembers...); err != nil {
		return "", err
	}
	after, err := d.family()
	if err != nil {
		return "", err
	}
	if after.Generation <= generation {
		return "", unexpected{want: "a new refresh token", got: "none"}
	}
	return fmt.Sprintf("both routes work, and refresh token %d came after %d", after.Generation, generation), nil
}

// refreshCall asks Caddy's admin API for a refresh, as an operator can.
func (d *demo) refreshCall() call {
	return call{method: http.MethodPost, url: d.admin() + "/token_store/connections/" + connection + "/refresh"}
}

// readDatabase returns the size of the database, in which no token may be found.
func (d *demo) readDatabase() (int, error) {
	content, err := os.ReadFile(d.database())
	if err != nil {
		return 0, err
	}
	for _, kind := range []string{"standin-at-", "standin-rt-"} {
		if bytes.Contains(content, []byte(kind)) {
			return 0, unexpected{want: "a database that is encrypted", got: "a token in the open"}
		}
	}
	return len(content), nil
}
