package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// memory returns a snapshot of all that the page's scripts hold, as JSON.
func (p *tab) memory() []byte {
	p.t.Helper()
	var (
		mu       sync.Mutex
		snapshot []byte
	)
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	chromedp.ListenTarget(ctx, func(event any) {
		if chunk, ok := event.(*heapprofiler.EventAddHeapSnapshotChunk); ok {
			mu.Lock()
			defer mu.Unlock()
			snapshot = append(snapshot, chunk.Chunk...)
		}
	})
	p.do(heapprofiler.TakeHeapSnapshot().Do)
	// Chunks may be on their way still.
	eventually(p.t, patience, "the snapshot of the memory is not whole", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return bytes.HasSuffix(bytes.TrimSpace(snapshot), []byte("}")) && json.Valid(snapshot)
	})
	return snapshot
}

// storageScript gathers all that a page can read again after it was closed, and what it shows.
const storageScript = `(async () => {
	const databases = {}
	const done = request => new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result)
		request.onerror = () => reject(request.error)
	})
	for (const { name } of await indexedDB.databases()) {
		const database = await done(indexedDB.open(name))
		for (const store of database.objectStoreNames) {
			const objects = database.transaction(store).objectStore(store)
			databases[name + "/" + store] = [await done(objects.getAllKeys()), await done(objects.getAll())]
		}
		database.close()
	}
	const cached = {}
	for (const name of await caches.keys()) {
		const cache = await caches.open(name)
		for (const request of await cache.keys()) {
			const response = await cache.match(request)
			cached[name + " " + request.url] = [[...request.headers], [...response.headers], await response.text()]
		}
	}
	const items = storage => Array.from(storage, (_, i) => [storage.key(i), storage.getItem(storage.key(i))])
	return JSON.stringify({
		databases, cached,
		local: items(localStorage), session: items(sessionStorage), cookie: document.cookie,
		state: history.state, name: window.name, address: location.href,
		workers: (await navigator.serviceWorker.getRegistrations()).map(w => w.scope),
		page: document.documentElement.outerHTML,
	})
})()`

// storage returns all that the browser keeps for the page, also what only the server can read.
func (p *tab) storage() []byte {
	p.t.Helper()
	var kept string
	p.eval(storageScript, &kept)
	inBrowser := cdp.WithExecutor(p.ctx, chromedp.FromContext(p.ctx).Browser)
	cookies, err := storage.GetCookies().WithBrowserContextID(p.person).Do(inBrowser)
	if err != nil {
		p.t.Fatal(err)
	}
	jar, err := json.Marshal(cookies)
	if err != nil {
		p.t.Fatal(err)
	}
	return append([]byte(kept), jar...)
}
