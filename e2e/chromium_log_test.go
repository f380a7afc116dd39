package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// networkLog is what the network tab of a browser's developer tools shows: each request and each answer of
// a tab, with headers and bodies.
type networkLog struct {
	ctx context.Context

	mu       sync.Mutex
	text     bytes.Buffer
	requests []*network.EventRequestWillBeSent
	pending  int // bodies that are being fetched
	failed   []error
	refused  []string // what a policy kept the browser from
}

// listen takes down what happens in the tab from now on.
func listen(p *tab) *networkLog {
	l := &networkLog{ctx: p.ctx}
	chromedp.ListenTarget(p.ctx, l.take)
	return l
}

func (l *networkLog) take(event any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		l.requests = append(l.requests, e)
		if e.Request.HasPostData && len(e.Request.PostDataEntries) == 0 {
			l.fetch(e.RequestID, network.GetRequestPostData(e.RequestID).Do)
		}
	case *network.EventLoadingFinished:
		if !l.isPreflight(e.RequestID) { // the answers to those have no body
			l.fetch(e.RequestID, network.GetResponseBody(e.RequestID).Do)
		}
	case *log.EventEntryAdded:
		if e.Entry.Source == log.SourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
			l.refused = append(l.refused, e.Entry.Text)
		}
	case *network.EventRequestWillBeSentExtraInfo, *network.EventResponseReceived,
		*network.EventResponseReceivedExtraInfo, *network.EventLoadingFailed:
	default:
		return
	}
	l.write(event)
}

func (l *networkLog) write(event any) {
	if err := json.NewEncoder(&l.text).Encode(event); err != nil {
		l.failed = append(l.failed, err)
	}
}

// fetch asks the browser for a body, while it still has it.
func (l *networkLog) fetch(id network.RequestID, get func(context.Context) ([]byte, error)) {
	l.pending++
	go func() {
		var body []byte
		err := chromedp.Run(l.ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
			body, err = get(ctx)
			return err
		}))
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pending--
		if err != nil {
			l.failed = append(l.failed, fmt.Errorf("request %s: %w", id, err))
			return
		}
		l.text.Write(append(body, '\n'))
	}()
}

// bytes returns the log so far.
func (l *networkLog) bytes(t *testing.T) []byte {
	t.Helper()
	eventually(t, patience, "the bodies do not come", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.pending == 0
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.text.Bytes())
}

// missing returns why parts of the log are not there. Of pages that have been left, browsers forget the bodies.
func (l *networkLog) missing() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.failed...)
}

// preflights returns the URLs that the browser asked for permission to use.
func (l *networkLog) preflights() (urls []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.requests {
		if r.Request.Method == http.MethodOptions {
			urls = append(urls, r.Request.URL)
		}
	}
	return urls
}

func (l *networkLog) isPreflight(id network.RequestID) bool {
	return slices.ContainsFunc(l.requests, func(r *network.EventRequestWillBeSent) bool {
		return r.RequestID == id && r.Request.Method == http.MethodOptions
	})
}

// refusals returns what a Content-Security-Policy or the like kept the page from.
func (l *networkLog) refusals() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.refused)
}
