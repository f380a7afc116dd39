package command

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestFromNow(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	tests := []struct {
		name  string
		after time.Duration
		want  string
	}{
		{"now", 0, "0s"},
		{"seconds", 59*time.Second + 400*time.Millisecond, "59s"},
		{"nearly a minute", 59*time.Second + 900*time.Millisecond, "1m00s"},
		{"nearly a day", 24*time.Hour - time.Second, "1d00h"},
		{"thirty days, of which a moment is gone", 30*24*time.Hour - 20*time.Millisecond, "30d00h"},
		{"minutes", time.Minute, "1m00s"},
		{"hours", 4*time.Hour - time.Minute, "3h59m"},
		{"days", 49*time.Hour + time.Minute, "2d01h"},
		{"the past", -90 * time.Second, "1m30s ago"},
	}
	for _, tt := range tests {
		if got := fromNow(now.Add(tt.after), now); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := fromNow(time.Time{}, now); got != "-" {
		t.Errorf("an unknown time: got %q", got)
	}
}

func TestPrintable(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "Jörg <j@example.com>", "Jörg <j@example.com>"},
		{"an escape sequence becomes harmless", "\x1b]0;owned\x07", "\ufffd]0;owned\ufffd"},
		{"a control character of the second kind too", "\u009b31m", "\ufffd31m"},
		{"a line break makes no new line", "a\nb", "a\ufffdb"},
		{"a text cannot turn its direction", "a\u202eb", "a\ufffdb"},
		{"bytes that are no UTF-8 do not get through", "a\xffb", "a\ufffdb"},
	}
	for _, tt := range tests {
		if got := printable(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExplain(t *testing.T) {
	tests := []struct {
		name, err string
		want      string
		notFound  bool
	}{
		{"a failure that is told", `caddy responded with error: HTTP 404: {"error":"there is none"}` + "\n", "there is none", true},
		{"a failure with control characters", `caddy responded with error: HTTP 409: {"error":"a\u001bb"}`, "a\ufffdb", false},
		{"a Caddy without this plugin", "caddy responded with error: HTTP 404: 404 page not found\n", "was it built with this plugin?", false},
		{"an answer that makes no sense", "caddy responded with error: HTTP 500: <html>", "answered with status 500", false},
		{"nobody there", "performing request: dial tcp: connection refused", "Is Caddy running, and is its admin API at localhost:2019?", false},
	}
	for _, tt := range tests {
		got := explain("localhost:2019", errors.New(tt.err))
		if !strings.Contains(got.Error(), tt.want) || notFound(got) != tt.notFound {
			t.Errorf("%s: got %q, not found %t; want %q, %t", tt.name, got, notFound(got), tt.want, tt.notFound)
		}
	}
}
