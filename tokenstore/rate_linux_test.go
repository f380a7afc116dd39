//go:build linux

package tokenstore_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/soaktest"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// BenchmarkRefreshes refreshes all the time: tokens live for two seconds only. The server is the stand-in, on
// TCP and in a process of its own, which takes its part of the processors. Each refresh is two durable
// commits, of the intent and of the outcome; a commit is two fdatasync calls, however many refreshes share it.
//
// Use it with -connections=1000000 -benchtime=50000x. With -soak, which wants a machine of its own, it fails below a thousand a second.
func BenchmarkRefreshes(b *testing.B) {
	server := startServer(b, *fleetSize)
	f := newFleet(b, *fleetSize, func(i int) string { return server.grants[i] })
	server.grants = nil
	p := f.provider(func(c *tokenstore.ProviderConfig) {
		c.ClientSecret, c.TokenURL = secret.New(clientSecret), server.url+"/oauth2/token"
		c.MaxConcurrent, c.MaxPerSecond = 256, 100_000
	})
	sync := fdatasync(b, filepath.Dir(f.path))

	var commits, writes atomic.Int64
	file, err := bolt.Open(f.path, bolt.Options{OnCommit: func(c bolt.CommitInfo) {
		commits.Add(1)
		writes.Add(int64(c.Operations))
	}})
	if err != nil {
		b.Fatal(err)
	}
	s := f.open(file, nil, time.Now)
	defer f.close(s)
	count := &counting{each: make(chan struct{}, 1<<20)}
	defer s.Attach(tokenstore.Attachment{Providers: []*tokenstore.Provider{p}, Observer: count})()
	for b.Loop() { // not b.N, for which all that is above would be done twice
		<-count.each
	}

	if n := count.failed.Load(); n > 0 {
		last := count.failure.Load()
		b.Errorf("%d refreshes failed, the last one for the reason %s: %v", n, last.Reason, last.Err)
	}
	refreshes, rate := float64(count.done.Load()), float64(b.N)/b.Elapsed().Seconds()
	if least := soaktest.Times(0, 1_000); rate < float64(least) {
		b.Errorf("%.0f refreshes a second, and %d are promised", rate, least)
	}
	b.ReportMetric(rate, "refreshes/s")
	b.ReportMetric(2*float64(commits.Load())/refreshes, "fsyncs/refresh")
	b.ReportMetric(float64(writes.Load())/float64(commits.Load()), "writes/commit")
	b.ReportMetric(float64(sync.Microseconds()), "µs/fdatasync")
	// What the disk allows if each refresh had its commits for itself.
	b.ReportMetric(1/(4*sync.Seconds()), "alone/s")
}

// counting is an observer that counts refreshes, and tells of each.
type counting struct {
	tokenstore.NopObserver
	done, failed atomic.Int64
	failure      atomic.Pointer[tokenstore.RefreshEvent] // the last one
	each         chan struct{}
}

func (c *counting) Refreshed(e tokenstore.RefreshEvent) {
	if e.Err != nil {
		c.failed.Add(1)
		c.failure.Store(&e)
	}
	c.done.Add(1)
	select {
	case c.each <- struct{}{}:
	default: // nobody counts any more
	}
}

// fdatasync returns how long it takes the file system of dir to make an overwritten page durable.
func fdatasync(b *testing.B, dir string) time.Duration {
	b.Helper()
	file, err := os.OpenFile(filepath.Join(dir, "sync"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	const rounds = 200
	page := make([]byte, 4096)
	var began time.Time
	for i := range rounds + 1 {
		if i == 1 {
			began = time.Now() // the first one allocates the page
		}
		page[0] = byte(i)
		if _, err := file.WriteAt(page, 0); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(file.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began) / rounds
}
