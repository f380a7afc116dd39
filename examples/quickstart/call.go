package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// call is a request that can be sent and shown as the curl line that sends the same.
type call struct {
	method string
	url    string
	header []field // in the order in which they are shown
	body   string
}

type field struct{ name, value string }

// answer is what came of a call.
type answer struct {
	status int
	body   []byte
	took   time.Duration
}

// send sends c and reads the whole answer.
func (c call) send(ctx context.Context, client *http.Client) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		return answer{}, err
	}
	for _, f := range c.header {
		req.Header.Set(f.name, f.value)
	}
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("read the answer of %s %s: %w", c.method, c.url, err)
	}
	return answer{status: resp.StatusCode, body: body, took: time.Since(began)}, nil
}

// curl returns the words of the curl line, each quoted for a shell where it has to be.
func (c call) curl() []string {
	words := []string{"curl", "-s"}
	if c.method != http.MethodGet && c.body == "" {
		words = append(words, "-X "+c.method)
	}
	words = append(words, shellQuote(c.url))
	for _, f := range c.header {
		words = append(words, "-H "+shellQuote(f.name+": "+f.value))
	}
	if c.body != "" {
		words = append(words, "--data-binary "+shellQuote(c.body))
	}
	return words
}

// shellQuote quotes s for a POSIX shell unless it is plain.
func shellQuote(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:.,_-+=@%", r)
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// wantsOK returns an error unless a has status 200.
func (a answer) wantsOK() error {
	if a.status == http.StatusOK {
		return nil
	}
	return unexpected{
		want: fmt.Sprintf("status %d", http.StatusOK),
		got:  fmt.Sprintf("status %d, %s", a.status, shown(a.body)),
	}
}

// unexpected is why a step did not hold.
type unexpected struct{ want, got string }

func (u unexpected) Error() string { return "expected " + u.want + ", got " + u.got }

// shown returns body as one line.
func shown(body []byte) string {
	if len(bytes.TrimSpace(body)) == 0 {
		return "(no body)"
	}
	return hideTokens(strings.Join(strings.Fields(string(body)), " "))
}
