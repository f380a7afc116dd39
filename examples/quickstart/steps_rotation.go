package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func rotationStep() step {
	return step{
		name: "Each refresh token is used once",
		text: "The stand-in rotates: every refresh brings a new refresh token and ends the old one. If an old one came " +
			"again, the stand-in would take it for stolen and revoke the whole family. Dropbox does not rotate; many others do.",
		run: rotation,
	}
}

func rotation(ctx context.Context, d *demo, p *printer) (string, error) {
	c := call{method: http.MethodGet, url: d.admin() + "/token_store/connections/" + connection}
	if _, err := d.forward(ctx, p, c, connectionMembers...); err != nil {
		return "", err
	}
	f, err := d.family()
	if err != nil {
		return "", err
	}
	refreshes := 0
	for _, e := range d.standin.Journal() {
		// Others are with tokens of a database from another day.
		if e.GrantType == "refresh_token" && e.Family == f.ID {
			refreshes++
		}
	}
	p.blank()
	p.row("refresh tokens", fmt.Sprintf("generation 1 → %d, says the stand-in", f.Generation))
	p.row("refreshes", fmt.Sprint(refreshes))
	if f.Generation < 2 || f.Generation != refreshes+1 {
		return "", unexpected{
			want: "one new refresh token for each refresh",
			got:  fmt.Sprintf("generation %d after %d refreshes", f.Generation, refreshes),
		}
	}
	return fmt.Sprintf("rotated %d times, none used twice, the family is intact", refreshes), nil
}

// connectionMembers are the members of a connection that are shown.
var connectionMembers = []string{"state", "generation", "expires_at", "next_refresh"}

// family returns what the stand-in knows of the grant, which must not be revoked.
func (d *demo) family() (standin.Family, error) {
	families := d.standin.Families()
	if len(families) != 1 {
		return standin.Family{}, unexpected{want: "one consent", got: fmt.Sprint(len(families))}
	}
	if f := families[0]; f.Revoked {
		return f, unexpected{want: "a grant that holds", got: "one that was revoked: " + f.Reason}
	}
	return families[0], nil
}
