package e2e

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// testSecrets looks at all that can be seen in the browser: while a file is on its way, and after. In mode
// return it must find the access token, which shows that it can.
func (u *uploads) testSecrets(t *testing.T, mode string) {
	s := u.start(t, mode, standin.Options{})
	release := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	t.Cleanup(goOn)
	s.server.Script(standin.Fault{
		Path: "/2/files/upload", Stage: standin.After,
		Rewrite: func(body []byte) []byte { <-release; return body },
	})
	form := s.openForm(t)
	connecting := s.consentFrom(form)

	look := scan{t: t, secrets: map[string]string{
		"client secret": clientSecret, "access token": "standin-at-", "refresh token": "standin-rt-",
	}}
	form.fillInForm(ada)
	form.press("button", "Send")
	eventually(t, patience, "nothing is sent", func() bool { return s.server.Requests("/2/files/upload") > 0 })
	look.look("the memory on the way", form.memory())
	goOn()
	form.awaitFiles(1)
	form.downloaded()
	look.look("the memory afterwards", form.memory())
	look.look("the network log", form.log.bytes(t))
	if err := form.log.missing(); err != nil {
		t.Errorf("the network log is not whole: %v", err)
	}
	look.look("the network log of the consent", connecting.log.bytes(t))
	look.look("the storage", form.storage())

	if mode == forwardMode {
		if len(look.found) > 0 {
			t.Errorf("in the browser: %q", look.found)
		}
		return
	}
	for _, want := range []string{"access token as it is in the memory on the way", "access token as it is in the network log"} {
		if !slices.Contains(look.found, want) {
			t.Errorf("not found: %s", want)
		}
	}
	for _, leak := range look.found {
		// What scripts have let go of may still lie in memory.
		if !strings.HasPrefix(leak, "access token ") || strings.HasSuffix(leak, "in the storage") || strings.HasSuffix(leak, "of the consent") {
			t.Errorf("in the browser: %s", leak)
		}
	}
}

// testStorage shows that testSecrets would find what a page has stored, wherever that is.
func (u *uploads) testStorage(t *testing.T) {
	u.start(t, forwardMode, standin.Options{})
	p := u.newTab(t)
	p.visit(u.ports.pageURL())
	planted := map[string]string{
		"local storage":   `localStorage.setItem("key", secret)`,
		"session storage": `sessionStorage.setItem(secret, "value")`,
		"cookie":          `document.cookie = "name=" + secret`,
		"cache":           `await (await caches.open("cache")).put("/cached", new Response(secret))`,
		"database": `await new Promise((resolve, reject) => {
			const opening = indexedDB.open("database")
			opening.onerror = reject
			opening.onupgradeneeded = () => opening.result.createObjectStore("store")
			opening.onsuccess = () => {
				const change = opening.result.transaction("store", "readwrite")
				change.objectStore("store").put({ nested: [secret] }, "key")
				change.oncomplete = () => { opening.result.close(); resolve() }
			}
		})`,
		"history": `history.replaceState({ secret }, "")`,
		"window":  `window.name = secret`,
		"page":    `document.body.append(secret)`,
	}
	look := scan{t: t, secrets: make(map[string]string)}
	for where, script := range planted {
		look.secrets[where] = "planted-" + rand.Text()
		p.eval(fmt.Sprintf("(async () => { const secret = %q; %s; return true })()", look.secrets[where], script), nil)
	}
	look.look("the storage", p.storage())
	for where := range planted {
		if !slices.Contains(look.found, where+" as it is in the storage") {
			t.Errorf("what is stored in the %s is not found", where)
		}
	}
}
