package tokenstore_test

import (
	"bytes"
	"compress/gzip"
	"math"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// What one request to an authorization server may cost, whatever that answers.
const (
	mostTime = 20 * time.Second
	mostHeap = 4 << 20
)

// monsters returns answers that are meant to hurt.
func monsters(t *testing.T) map[string]standin.Fault {
	return map[string]standin.Fault{
		"a byte a second":       {Body: `{"access_token":"` + strings.Repeat("x", 100), Drip: time.Second, Status: 200},
		"a gigabyte":            {Stage: standin.After, Size: 1 << 30},
		"a body without end":    {Stage: standin.After, Endless: true},
		"a gzip bomb":           {Body: gzipBomb(t), Header: http.Header{"Content-Encoding": {"gzip"}}, Status: 200},
		"a hundred thousand [s": {Garbage: standin.DeepNesting, Status: 200},
		"no answer":             {Delay: 24 * time.Hour, Status: 503},
		"no end of the headers": {Delay: 24 * time.Hour, Status: 200, Cut: true, CutAfter: 30},
	}
}

// gzipBomb is packed beforehand, so that the work is not taken for that of the store.
func gzipBomb(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for range 64 {
		if _, err := z.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

// monstrous are the conversations: each returns what is to be timed. A refresh without an answer is sent once more.
var monstrous = []struct {
	name            string
	path, grantType string
	requests        int // at the most
	prepare         func(*world) (talk func())
}{
	{"exchange", "", "authorization_code", 1, func(w *world) func() {
		callback := w.approve(w.begin(demo))
		return func() { _, _ = w.FinishConsent(w.t.Context(), callback) }
	}},
	{"refresh on demand", "", "refresh_token", 2, func(w *world) func() {
		w.connect(demo)
		time.Sleep(5 * time.Hour)
		return func() { _, _ = w.Token(w.t.Context(), demo, tokenstore.Want{}) }
	}},
	{"refresh in the background", "", "refresh_token", 2, func(w *world) func() {
		g, err := w.server.IssueGrant(clientID)
		if err != nil {
			w.t.Fatal(err)
		}
		return func() {
			if err := w.Import(w.t.Context(), demo, tokenstore.Import{RefreshToken: g.RefreshToken}); err != nil {
				w.t.Error(err)
			}
			time.Sleep(time.Millisecond)                           // it has begun
			_, _ = w.Token(w.t.Context(), demo, tokenstore.Want{}) // waits for the end of it
		}
	}},
	{"revocation", "/oauth2/revoke", "", 1, func(w *world) func() {
		w.connect(demo)
		return func() { _ = w.Delete(w.t.Context(), demo) }
	}},
}

// TestAMonstrousAnswerCostsLittleAndNoOtherProviderNotices lets another provider refresh while each monster answers.
func TestAMonstrousAnswerCostsLittleAndNoOtherProviderNotices(t *testing.T) {
	heap := watchHeap(t)
	cases := 0
	for name, fault := range monsters(t) {
		for _, c := range monstrous {
			cases++
			t.Run(name+" in: "+c.name, func(t *testing.T) {
				inWorld(t, rotating, onDemand, func(t *testing.T, w *world) {
					other := w.anotherProvider()
					talk := c.prepare(w)
					fault.Path, fault.GrantType, fault.Times = c.path, c.grantType, standin.Always
					w.server.Script(fault)
					heap.start()
					begin, done := time.Now(), make(chan time.Duration, 1)
					go func() {
						talk()
						done <- time.Since(begin)
					}()
					for range 3 {
						synctest.Wait()
						began := time.Now()
						if _, err := w.Refresh(t.Context(), other); err != nil || time.Since(began) != 0 {
							t.Errorf("another provider's refresh took %s: %v", time.Since(began), err)
						}
						time.Sleep(time.Second)
					}
					// A background refresh also waits some milliseconds for company at each of its writes.
					if took := <-done; took.Truncate(100*time.Millisecond) > time.Duration(c.requests)*mostTime {
						t.Errorf("it took %s, and %d requests at the most", took, c.requests)
					}
					if most := heap.stop(); most > mostHeap {
						t.Errorf("it took %d bytes of heap", most)
					}
				})
			})
		}
	}
	t.Logf("%d monstrous answers, at most %d bytes of heap", cases, heap.ever.Load())
}

// anotherProvider configures one more provider, and returns a connection of it that needs no consent.
func (w *world) anotherProvider() tokenstore.ID {
	w.t.Helper()
	p := w.newProvider(func(c *tokenstore.ProviderConfig) { c.Name = "other"; clientCredentials(c) })
	detach := w.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{w.provider, p}, Observer: w.seen})
	w.detach()
	w.detach = detach
	return tokenstore.ID{Provider: "other", Name: "auth"}
}

// heapWatch looks at the heap that is in use, again and again, from outside of the bubbles of tests.
type heapWatch struct {
	base, most, ever atomic.Int64
}

func watchHeap(t *testing.T) *heapWatch {
	h, stop, stopped := &heapWatch{}, make(chan struct{}), make(chan struct{})
	often := time.NewTicker(2 * time.Millisecond)
	go func() {
		defer close(stopped)
		defer often.Stop()
		for {
			select {
			case <-stop:
				return
			case <-often.C:
				h.look()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return h
}

func (h *heapWatch) look() {
	now := heapInUse()
	for most := h.most.Load(); now > most && !h.most.CompareAndSwap(most, now); most = h.most.Load() {
	}
}

func (h *heapWatch) start() {
	base := heapInUse()
	h.base.Store(base)
	h.most.Store(base)
}

// stop returns by how much the heap has grown at the most.
func (h *heapWatch) stop() int64 {
	h.look()
	grown := h.most.Load() - h.base.Load()
	h.ever.Store(max(h.ever.Load(), grown))
	return grown
}

// heapInUse is what the garbage collector finds in use now. It takes all that is allocated while it looks for in use, and on a busy
// machine that can be much more than is at any one time; so it looks twice.
func heapInUse() int64 {
	least := int64(math.MaxInt64)
	for range 2 {
		runtime.GC()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		least = min(least, int64(live[0].Value.Uint64()))
	}
	return least
}
