package tokenstore_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret/secrettest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// eavesdropper writes down all that an observer is told.
type eavesdropper struct {
	mu   sync.Mutex
	text strings.Builder
}

func (e *eavesdropper) hear(v ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range v {
		fmt.Fprintf(&e.text, "%+v\n%#v\n%v\n", x, x, x)
	}
}

func (e *eavesdropper) Refreshed(v tokenstore.RefreshEvent)     { e.hear(v, v.Err) }
func (e *eavesdropper) ConsentNeeded(v tokenstore.ConsentEvent) { e.hear(v) }
func (e *eavesdropper) Consented(v tokenstore.ID)               { e.hear(v) }
func (e *eavesdropper) Deleted(v tokenstore.ID)                 { e.hear(v) }
func (e *eavesdropper) ProviderPaused(v tokenstore.PauseEvent)  { e.hear(v) }
func (e *eavesdropper) Unsaved(v tokenstore.UnsavedEvent)       { e.hear(v, v.Err) }
func (e *eavesdropper) Late(p string, d time.Duration)          { e.hear(p, d) }
func (e *eavesdropper) Trouble(op string, err error)            { e.hear(op, err) }

// TestNoSecretLeaves walks through all that can go wrong, with a server that echoes
// what it was sent, and looks for every secret in all that can be seen.
func TestNoSecretLeaves(t *testing.T) {
	inWorld(t, standin.Options{Rotation: standin.RotateAlways, AccessLifetime: time.Hour}, nil, func(t *testing.T, w *world) {
		ears := new(eavesdropper)
		defer w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{w.provider}, Observer: ears})()
		secrets := map[string]string{"client secret": clientSecret, "token prefix": "standin-at-", "refresh prefix": "standin-rt-", "code prefix": "standin-code-"}
		echo := fmt.Sprintf(`{"error":"%s","error_description":"%s standin-at-x standin-rt-x"}`, clientSecret, clientSecret)
		ask := func() {
			tok, err := w.Token(t.Context(), demo, tokenstore.Want{})
			ears.hear(tok, err)
			s, err := w.Status(t.Context(), demo)
			enc, _ := json.Marshal(s)
			ears.hear(s, err, string(enc), w.Health(), w.Census())
		}

		c := w.begin(demo)
		u, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		secrets["state"], secrets["binding"] = u.Query().Get("state"), c.Binding
		callback := w.approve(c)
		wrong := callback
		wrong.Binding = "canary-binding"
		secrets["wrong binding"] = wrong.Binding
		ears.hear(w.FinishConsent(t.Context(), wrong))
		ears.hear(w.FinishConsent(t.Context(), callback))
		refused := w.approve(w.begin(demo))
		w.server.Script(standin.Fault{GrantType: "authorization_code", Status: 400, Body: echo, ContentType: "application/json"})
		ears.hear(w.FinishConsent(t.Context(), refused))
		ask()

		for _, f := range []standin.Fault{
			{Status: 400, Body: echo, ContentType: "application/json"},
			{Status: 401, Body: `{"error":"invalid_client"}`, ContentType: "application/json"},
			{Status: 500, Body: echo},
			{Stage: standin.After, Cut: true, CutAfter: 250},
			{Stage: standin.After, Rewrite: func(b []byte) []byte { return renamed(b, "access_token", "nothing") }},
			{Status: 307, Redirect: "https://attacker.example/?" + clientSecret},
		} {
			f.GrantType = "refresh_token"
			w.server.Script(f)
			ears.hear(w.Refresh(t.Context(), demo))
			time.Sleep(2 * time.Hour)
			ask()
		}
		w.backend.FailPuts(-1, storage.ErrUnavailable)
		ears.hear(w.Refresh(t.Context(), demo))
		w.backend.FailPuts(0, nil)
		in := tokenstore.Import{AccessToken: "canary access token", RefreshToken: "canary refresh"}
		secrets["import"] = "canary"
		ears.hear(w.Import(t.Context(), demo, in))
		time.Sleep(2 * time.Hour)
		ask()

		synctest.Wait()
		file, err := os.ReadFile(w.path)
		if err != nil {
			t.Fatal(err)
		}
		for what, plain := range secrets {
			if plain == "" {
				t.Errorf("the %s is empty", what)
				continue
			}
			for where, text := range map[string][]byte{"what is told": []byte(ears.text.String()), "the file": file} {
				if forms := secrettest.Find(text, plain); len(forms) > 0 {
					t.Errorf("the %s is %s in %s: …%.200s", what, forms[0], where, text[max(0, bytes.Index(text, []byte(plain))-100):])
				}
			}
		}
		if n := strings.Count(ears.text.String(), "invalid_client"); n == 0 {
			t.Error("nothing was overheard")
		}
	})
}
