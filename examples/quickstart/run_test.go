package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func TestEveryStepHolds(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	if status := command(t.Context(), []string{"-once"}, &out, &problems); status != 0 {
		t.Fatalf("status %d\n%s%s", status, &out, &problems)
	}
	if problems.Len() > 0 {
		t.Errorf("stderr:\n%s", &problems)
	}
	for _, s := range steps() {
		if !strings.Contains(out.String(), s.name+"\n") {
			t.Errorf("the step %q is missing", s.name)
		}
	}
	checkText(t, out.String())
	dir := regexp.MustCompile(`(?m)^ +Caddyfile +(.*)/Caddyfile$`).FindStringSubmatch(out.String())
	if dir == nil {
		t.Fatalf("no directory in\n%s", &out)
	}
	if _, err := os.Stat(dir[1]); !os.IsNotExist(err) {
		t.Errorf("the temporary directory %s is still there: %v", dir[1], err)
	}
}

// checkText checks what is written where there is no terminal.
func checkText(t *testing.T, text string) {
	t.Helper()
	if token := regexp.MustCompile(`standin-(at|rt)-[A-Z2-7]{7}`).FindString(text); token != "" {
		t.Errorf("the output has more of a token than it takes to tell it from others: %s", token)
	}
	if strings.ContainsAny(text, "\x1b\r") {
		t.Error("the output has control characters")
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 && !strings.Contains(line, os.TempDir()) {
			t.Errorf("line with %d columns: %s", n, line)
		}
	}
}

// interrupter is a person who presses Ctrl-C when told that it is time.
type interrupter struct {
	bytes.Buffer
	press context.CancelFunc
}

func (i *interrupter) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("Ctrl-C")) {
		i.press()
	}
	return i.Buffer.Write(b)
}

func TestItStaysUpUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	out := &interrupter{}
	out.press = func() {
		defer cancel()
		site := regexp.MustCompile(`(?m)^ +site +(http\S+)$`).FindStringSubmatch(out.String())
		if site == nil {
			t.Error("it does not say where the site is")
			return
		}
		if status := getStatus(t, site[1]+"/nothing"); status != http.StatusNotFound {
			t.Errorf("what the site does not have is answered with status %d", status)
		}
	}
	if status := command(ctx, []string{"-dir", dir}, out, os.Stderr); status != 0 {
		t.Fatalf("status %d\n%s", status, out)
	}
	if ctx.Err() == nil {
		t.Errorf("it ended without being interrupted\n%s", out)
	}
	checkText(t, out.String())
	if _, err := os.Stat(filepath.Join(dir, "caddy", "token_store", "tokens.db")); err != nil {
		t.Errorf("the database in the given directory: %v", err)
	}
}

func getStatus(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestAnInterruptedStepIsNoFailedStep(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if status := run(ctx, options{once: true}, &out, os.Stderr); status != statusInterrupted {
		t.Errorf("status %d, want %d\n%s", status, statusInterrupted, &out)
	}
	if strings.Contains(out.String(), "✗") {
		t.Errorf("a step is told to have failed\n%s", &out)
	}
}

func TestAStepThatDoesNotHoldIsNamed(t *testing.T) {
	tests := []struct {
		name  string
		fault standin.Fault
		step  step
		tells string
	}{
		{
			"the authorization server refuses the code",
			standin.Fault{GrantType: "authorization_code", Status: 400, Body: `{"error":"invalid_grant"}`},
			consentStep(), "expected a page “Connected” with status 200",
		},
		{
			"the API is out of order",
			standin.Fault{Path: "/2/files/upload", Status: 500},
			uploadStep(), "got status 500",
		},
		{
			"the API returns another file",
			standin.Fault{Path: "/2/files/download", Stage: standin.After, Body: "Hello from someone else."},
			downloadStep(), `got "Hello from someone else."`,
		},
		{
			"the listing is empty",
			standin.Fault{Path: "/2/files/list_folder", Status: 200, Body: `{"entries":[]}`},
			listStep(), "expected hello.txt with 26 bytes in the listing",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			dir := t.TempDir()
			status := run(t.Context(), options{once: true, dir: dir, script: []standin.Fault{tt.fault}}, &out, os.Stderr)
			if status != 1 {
				t.Errorf("status %d, want 1", status)
			}
			for _, want := range []string{
				"The step \"" + tt.step.name + "\" did not hold.\n", tt.tells,
				"The last lines of Caddy's log, " + filepath.Join(dir, "caddy.log") + ":\n", "serving initial configuration",
			} {
				if !strings.Contains(unspaced(out.String()), unspaced(want)) {
					t.Errorf("%q is missing", want)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

// unspaced leaves one space between words.
func unspaced(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestRefreshesThatFailAreNoticed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	fault := standin.Fault{GrantType: "refresh_token", Times: standin.Always, Status: 503}
	status := run(t.Context(), options{once: true, dir: t.TempDir(), script: []standin.Fault{fault}}, &out, os.Stderr)
	if want := "The step \"" + refreshStep().name + "\" did not hold."; status != 1 || !strings.Contains(out.String(), want) {
		t.Errorf("status %d, want 1 and %q\n%s", status, want, &out)
	}
}

func TestAPortThatIsTakenIsTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	var out, problems bytes.Buffer
	if status := command(t.Context(), []string{"-once", "-port", port}, &out, &problems); status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	if want := "port " + port + " cannot be used"; !strings.Contains(problems.String(), want) {
		t.Errorf("got %q, want %q in it", problems.String(), want)
	}
}

func TestFlags(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		status int
		tells  string
	}{
		{"help", []string{"-h"}, 0, "-once"},
		{"an unknown flag", []string{"-twice"}, 2, "-twice"},
		{"an argument", []string{"once"}, 2, `unexpected argument "once"`},
		{"a port beyond all ports", []string{"-port", "65536"}, 2, "1 to 65535"},
		{"a negative port", []string{"-admin-port", "-1"}, 2, "1 to 65535"},
		{"one port for both", []string{"-port", "8080", "-admin-port", "8080"}, 2, "a port each"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, problems bytes.Buffer
			if status := command(t.Context(), tt.args, &out, &problems); status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if !strings.Contains(problems.String(), tt.tells) {
				t.Errorf("got %q, want %q in it", problems.String(), tt.tells)
			}
		})
	}
}
