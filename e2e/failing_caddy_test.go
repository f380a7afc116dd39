package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/powercut"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// diskHealing is how long Caddy may take to be well again when its disk is.
const diskHealing = 5 * time.Second

// failingCaddy is a Caddy whose database is on a disk that fails when it is told to.
type failingCaddy struct {
	*caddyServer
	server *standin.Server
	config string
	ids    []string
	errno  atomic.Int64
}

func newFailingCaddy(t *testing.T) *failingCaddy {
	t.Helper()
	f := new(failingCaddy)
	disk, err := powercut.Mount(t.TempDir(), powercut.Options{Before: f.before})
	if err != nil {
		skipOrFail(t, fmt.Sprintf("FUSE, as root (%v)", err))
	}
	t.Cleanup(func() {
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
	f.caddyServer = newCaddy(t)
	f.disk = disk.Dir
	f.server = newDropbox(t, f.caddyServer, standin.Options{Rotation: standin.RotateAlways, JournalSize: 1 << 20})
	f.config = f.caddyfile(dropboxProvider(f.server), dropboxSite+"\n\tmetrics /metrics")
	f.start(f.config)
	f.ids = importGrants(t, f.caddyServer, f.server, 2)
	return f
}

func (f *failingCaddy) before(e powercut.Event) syscall.Errno {
	errno := syscall.Errno(f.errno.Load())
	if e.Kind == powercut.Note && errno != syscall.EROFS { // a file that is opened for writing
		return 0
	}
	return errno
}

// failBefore lets the disk fail before a refresh has begun.
func (f *failingCaddy) failBefore(errno syscall.Errno) {
	f.t.Helper()
	f.errno.Store(int64(errno))
	f.checkRefused(errno, f.ids)
}

// failWithin lets the disk fail when the server has granted a token and Caddy does not have it yet.
func (f *failingCaddy) failWithin(errno syscall.Errno) {
	f.t.Helper()
	before := f.server.Refreshes()
	f.server.Script(standin.Fault{GrantType: "refresh_token", Stage: standin.After, Delay: 300 * time.Millisecond})
	answered := make(chan string)
	go func() {
		status, body, err := f.refresh(f.ids[0])
		answered <- fmt.Sprintf("%d %s %v", status, body, err)
	}()
	eventually(f.t, time.Minute, "no refresh", func() bool { return f.server.Refreshes() > before })
	f.errno.Store(int64(errno))
	if answer := <-answered; !strings.HasPrefix(answer, "200 ") {
		f.t.Errorf("%s after the server was called: %s", errno, answer)
	}
	if n := f.metric("caddy_token_store_unsaved_tokens"); n != 1 {
		f.t.Errorf("%s: %v tokens are said to be unsaved, want 1", errno, n)
	}
	f.checkUnready(errno, "in memory only")
	f.checkRefused(errno, f.ids[1:])
}

// checkRefused wants refreshes to fail without a call of the server, and Caddy to say why.
func (f *failingCaddy) checkRefused(errno syscall.Errno, ids []string) {
	f.t.Helper()
	calls := f.server.Refreshes()
	for _, id := range ids {
		if status, body, err := f.refresh(id); err != nil || status != http.StatusServiceUnavailable {
			f.t.Errorf("%s: refresh of %s: status %d, %v: %s", errno, id, status, err, body)
		}
	}
	if n := f.server.Refreshes() - calls; n > 0 {
		f.t.Errorf("%s: the server was called %d times, although the intent could not be written", errno, n)
	}
	f.checkUnready(errno, "the storage failed")
}

func (f *failingCaddy) checkUnready(errno syscall.Errno, want string) {
	f.t.Helper()
	if body := f.admin(http.MethodGet, "/token_store/ready", nil, http.StatusServiceUnavailable); !strings.Contains(string(body), want) {
		f.t.Errorf("%s: readiness does not say %q: %s", errno, want, body)
	}
}

func (f *failingCaddy) refresh(id string) (int, []byte, error) {
	return f.tryAdmin(http.MethodPost, "/token_store/connections/"+id+"/refresh", nil)
}

// heal mends the disk, and returns how long it took until Caddy was well.
func (f *failingCaddy) heal(errno syscall.Errno) time.Duration {
	f.t.Helper()
	f.errno.Store(0)
	began := time.Now()
	eventually(f.t, time.Minute, "Caddy is not well again", func() bool {
		for _, id := range f.ids {
			if status, _, err := f.refresh(id); err != nil || status != http.StatusOK {
				return false
			}
		}
		status, _, err := f.tryAdmin(http.MethodGet, "/token_store/ready", nil)
		return err == nil && status == http.StatusOK
	})
	took := time.Since(began)
	if took > diskHealing {
		f.t.Errorf("%s: Caddy was well %s after its disk", errno, took)
	}
	return took
}

// metric returns the value of a sample, 0 if there is none.
func (f *failingCaddy) metric(sample string) (value float64) {
	f.t.Helper()
	resp, err := f.get("/metrics")
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), sample+" "); ok {
			if value, err = strconv.ParseFloat(text, 64); err != nil {
				f.t.Error(err)
			}
		}
	}
	return value
}
