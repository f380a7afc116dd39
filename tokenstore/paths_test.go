package tokenstore_test

import (
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// path is a walk through the table of states to rows that a walk at random does not get to.
type path struct {
	server   standin.Options
	provider func(*tokenstore.ProviderConfig)
	walk     func(*world)
}

var rotating = standin.Options{Rotation: standin.RotateAlways}

// forgiving takes the last refresh token again for an hour.
var forgiving = standin.Options{Rotation: standin.RotateAlways, Grace: time.Hour}

var paths = map[string]path{
	"all that can happen to a connection that is ready":    {forgiving, onDemand, func(w *world) { w.meetAll(func() {}) }},
	"all that can happen to a connection that is retrying": {forgiving, onDemand, func(w *world) { w.meetAll(w.stumble) }},
	"a server without grace, whose answer is lost": {rotating, onDemand, func(w *world) {
		w.connect(demo)
		w.server.Script(lostAnswer("refresh_token", 1))
		w.refresh()
		w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonInterruptedRotation)
	}},
	"a server without grace, whose answer is lost after a failure": {rotating, onDemand, func(w *world) {
		w.connect(demo)
		w.stumble()
		w.server.Script(lostAnswer("refresh_token", 1))
		w.refresh()
		w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonInterruptedRotation)
	}},
	"another client":                      {rotating, onDemand, func(w *world) { w.changeClient(false) }},
	"another client after a failure":      {rotating, onDemand, func(w *world) { w.changeClient(true) }},
	"a restored database":                 {rotating, onDemand, func(w *world) { w.goBack(false) }},
	"a restored database after a failure": {rotating, onDemand, func(w *world) { w.goBack(true) }},
	"no refresh token": {rotating, nil, func(w *world) {
		in := tokenstore.Import{AccessToken: "of-another-server", ExpiresAt: w.now().Add(time.Hour)}
		if err := w.Import(w.t.Context(), demo, in); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonNoRefreshToken)
	}},
	"client credentials": {standin.Options{}, clientCredentials, func(w *world) { w.refresh() }},
	"client credentials of a server that is busy": {standin.Options{}, clientCredentials, func(w *world) {
		w.server.Script(standin.Fault{GrantType: "client_credentials", Status: 503})
		w.refresh()
		w.wantState(tokenstore.StateRetrying, "")
	}},
	"client credentials that are refused": {standin.Options{}, clientCredentials, func(w *world) {
		w.server.Script(standin.Fault{GrantType: "client_credentials", Status: 401, Body: `{"error":"invalid_client"}`})
		w.refresh()
		w.wantState(tokenstore.StateRetrying, "")
	}},
	"client credentials whose answers are lost": {standin.Options{}, clientCredentials, func(w *world) {
		w.server.Script(lostAnswer("client_credentials", 2))
		w.refresh()
		w.wantState(tokenstore.StateRetrying, "")
	}},
	"client credentials without a storage": {standin.Options{}, clientCredentials, func(w *world) {
		w.backend.FailPuts(1, storage.ErrUnavailable)
		w.refresh()
	}},
}

func lostAnswer(grantType string, times int) standin.Fault {
	return standin.Fault{GrantType: grantType, Times: times, Stage: standin.After, Cut: true, CutAfter: 20}
}

// refresh refreshes, and waits for the end of it, whatever that is.
func (w *world) refresh() { _, _ = w.Refresh(w.t.Context(), demo) }

// meetAll lets a new grant meet each thing that can happen, after what comes first.
func (w *world) meetAll(first func()) {
	for _, happens := range []func(standin.Grant){
		func(standin.Grant) { w.refresh() },
		func(standin.Grant) {
			w.server.Script(standin.Fault{GrantType: "refresh_token", Status: 503})
			w.refresh()
		},
		func(standin.Grant) {
			w.server.Script(refusal("invalid_client"))
			w.refresh()
		},
		func(standin.Grant) {
			w.server.Script(lostAnswer("refresh_token", 1))
			w.refresh()
		},
		func(standin.Grant) {
			w.server.Script(lostAnswer("refresh_token", 3))
			w.refresh()
			w.refresh()
		},
		func(standin.Grant) {
			w.server.Script(withoutAccessToken)
			w.refresh()
		},
		func(standin.Grant) {
			w.backend.FailPuts(1, storage.ErrUnavailable)
			w.refresh()
		},
		func(standin.Grant) { w.connect(demo) },
		func(g standin.Grant) {
			w.server.RevokeFamily(g.Family)
			w.refresh()
			w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonRevoked)
			w.connect(demo)
		},
		func(g standin.Grant) {
			w.server.RevokeFamily(g.Family)
			w.refresh()
			w.delete()
		},
		func(standin.Grant) { w.delete() },
	} {
		g := w.connect(demo)
		first()
		happens(g)
		if n := w.server.PendingFaults(); n != 0 {
			w.t.Errorf("%d faults were not met", n)
		}
	}
}

func (w *world) delete() {
	w.t.Helper()
	if err := w.Delete(w.t.Context(), demo); err != nil {
		w.t.Error(err)
	}
}

// stumble makes a refresh fail in a way that passes, and leaves no doubt.
func (w *world) stumble() {
	w.server.Script(standin.Fault{GrantType: "refresh_token", Status: 403})
	w.refresh()
	w.wantState(tokenstore.StateRetrying, "")
}

// changeClient configures another client id than the one that the grant was given to.
func (w *world) changeClient(stumbled bool) {
	w.connect(demo)
	if stumbled {
		w.stumble()
	}
	const other = "another-client"
	w.server.SetClient(standin.Client{ID: other, Secret: clientSecret, RedirectURIs: []string{redirectURI}})
	w.provider = w.newProvider(func(c *tokenstore.ProviderConfig) { onDemand(c); c.ClientID = other })
	w.restart()
	w.refresh()
	w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonClientChanged)
}

// goBack restores a backup from before the last refresh.
func (w *world) goBack(stumbled bool) {
	w.connect(demo)
	backup := w.backup()
	time.Sleep(time.Minute)
	w.refresh()
	w.restore(backup)
	w.seen.next.(*tracker).forget()
	if stumbled {
		w.stumble()
	}
	w.refresh()
	w.wantState(tokenstore.StateNeedsConsent, tokenstore.ReasonDatabaseRestored)
}
