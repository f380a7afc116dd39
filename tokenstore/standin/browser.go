package standin

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// maxPageBytes bounds how much of a page is read in search of a form.
const maxPageBytes = 1 << 20

// Approve walks through a consent as a person with a browser would: it opens
// the page, follows redirects, submits the first form by its first button, and
// follows redirects again. It returns the last response, which is that of the
// client's callback if all went well; the caller closes its body.
//
// The client's cookie jar is used; if it has none, one is made for this walk. A
// client whose CheckRedirect returns http.ErrUseLastResponse stops at the
// redirect to the callback and so shows its Location.
//
// Nothing in it depends on the stand-in: it works with any page whose form needs
// no script. It returns ErrNoForm if the page has none.
func Approve(ctx context.Context, client *http.Client, authorizeURL string) (*http.Response, error) {
	return walk(ctx, client, authorizeURL, Button{})
}

// Deny is Approve for a person who refuses: it presses the button named decision
// with the value deny, as the page of the stand-in has it.
func Deny(ctx context.Context, client *http.Client, authorizeURL string) (*http.Response, error) {
	return walk(ctx, client, authorizeURL, Button{Name: "decision", Value: "deny"})
}

func walk(ctx context.Context, client *http.Client, start string, press Button) (*http.Response, error) {
	client, err := withJar(client)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, start, nil)
	if err != nil {
		return nil, fmt.Errorf("open page: %w", err)
	}
	page, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("open page: %w", err)
	}
	return Submit(ctx, client, page, press, nil)
}

func withJar(client *http.Client) (*http.Client, error) {
	if client.Jar != nil {
		return client, nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookie jar: %w", err)
	}
	own := *client
	own.Jar = jar
	return &own, nil
}

// Submit submits the first form of a page, which it reads and closes. The form
// is filled in as the page has it, changed by fill, and sent by the button press;
// the zero Button means the first one. It returns ErrNoForm or ErrNoButton if
// the page has no such thing.
func Submit(ctx context.Context, client *http.Client, page *http.Response, press Button, fill url.Values) (*http.Response, error) {
	defer func() { _ = page.Body.Close() }()
	form, err := FirstForm(io.LimitReader(page.Body, maxPageBytes), page.Request.URL)
	if err != nil {
		return nil, fmt.Errorf("page answered with status %d: %w", page.StatusCode, err)
	}
	values, err := form.Values(press)
	if err != nil {
		return nil, err
	}
	maps.Copy(values, fill)
	req, err := form.request(ctx, values)
	if err != nil {
		return nil, fmt.Errorf("submit form: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("submit form: %w", err)
	}
	return resp, nil
}

// request is what a browser sends for f with values.
func (f Form) request(ctx context.Context, values url.Values) (*http.Request, error) {
	if f.Method == http.MethodPost {
		req, err := http.NewRequestWithContext(ctx, f.Method, f.Action.String(), strings.NewReader(values.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return req, nil
	}
	target := *f.Action
	target.RawQuery = values.Encode()
	return http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
}
