// Command refresher does the least that refreshes of rotating tokens can cost: for each, a request to the authorization server, and
// something durable before it and behind it. The benchmark has it beside a Caddy that refreshes nothing.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

func main() {
	at := flag.String("url", "", "of the token endpoint")
	rate := flag.Int("rate", 0, "refreshes a second")
	file := flag.String("file", "", "where to write")
	grants := flag.String("grants", "", "file with refresh tokens")
	flag.Parse()
	text, err := os.ReadFile(*grants)
	if err != nil {
		log.Fatal(err)
	}
	tokens := strings.Fields(string(text))
	out, err := os.OpenFile(*file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	free := make(chan string, len(tokens))
	for _, token := range tokens {
		free <- token
	}
	tick := time.NewTicker(time.Second / time.Duration(*rate))
	for range tick.C {
		token := <-free
		go func() {
			next, err := refresh(*at, token, out)
			if err != nil {
				log.Fatal(err)
			}
			free <- next
		}()
	}
}

var client = &http.Client{Timeout: time.Minute}

// refresh returns the next refresh token.
func refresh(at, token string, out *os.File) (string, error) {
	if err := durable(out, token); err != nil {
		return "", err
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"id"}, "client_secret": {"secret"}}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", err
	}
	return answer.RefreshToken, durable(out, answer.RefreshToken)
}

func durable(out *os.File, text string) error {
	if _, err := out.WriteAt([]byte(text), 0); err != nil {
		return err
	}
	return syscall.Fdatasync(int(out.Fd()))
}
