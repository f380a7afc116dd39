package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const importers = 64 // calls of the admin API that are under way at a time

// connectOne makes the two connections that requests use.
func (b *bench) connectOne(ctx context.Context, c *competitor) error {
	ready := func(ctx context.Context) error { return call(ctx, c.admin, http.MethodGet, "/token_store/ready", nil) }
	if err := c.await(ctx, ready); err != nil {
		return err
	}
	return errors.Join(put(ctx, c.admin, "plain/one", fixedToken()), put(ctx, c.admin, "tls/one", fixedToken()))
}

// fixedToken is a grant that is not due for hours.
func fixedToken() map[string]any {
	return map[string]any{"access_token": authorization[len("Bearer "):], "token_type": "bearer", "expires_in": 14400}
}

// fillOnce sees to it that there are so many connections in the store of a competitor. None of them was used of late, as
// most are not in a store of that size: Caddy starts anew behind it.
func (b *bench) fillOnce(ctx context.Context, name string, connections int, say func(string, ...any)) error {
	c, err := b.enter(ctx, name)
	if err != nil || c.filled {
		return err
	}
	say("put %d connections into the store of %s", connections, name)
	c.filled = true
	err = inParallel(importers, connections, func(n int) error {
		return put(ctx, c.admin, fmt.Sprintf("plain/user-%06d", n), fixedToken())
	})
	if err != nil {
		return err
	}
	return b.restartCaddy(ctx, c)
}

// inParallel calls do for 0 to n-1.
func inParallel(workers, n int, do func(int) error) error {
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := i; j < n && errs[i] == nil; j += workers {
				errs[i] = do(j)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// put imports a grant.
func put(ctx context.Context, admin *http.Client, path string, grant map[string]any) error {
	body, err := json.Marshal(grant)
	if err != nil {
		return err
	}
	return call(ctx, admin, http.MethodPut, "/token_store/connections/"+path, body)
}

// call asks the admin API for something that has to succeed.
func call(ctx context.Context, admin *http.Client, method, path string, body []byte) error {
	answer, err := fetch(ctx, admin, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = io.Copy(io.Discard, answer)
	return err
}

// fetch is call for those who want the answer.
func fetch(ctx context.Context, admin *http.Client, method, path string, body []byte) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := admin.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		_ = res.Body.Close()
		return nil, fmt.Errorf("%s %s: status %d: %s", method, path, res.StatusCode, text)
	}
	return res.Body, nil
}
