package leaktest

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { VerifyTestMain(m) }

// tests are some that have started a goroutine.
type tests struct{ status int }

func (t tests) Run() int { return t.status }

func TestAGoroutineThatTakesASecondIsNoLeak(t *testing.T) {
	end := make(chan struct{})
	go wait(end)
	time.AfterFunc(time.Second, func() { close(end) })
	if status := Run(tests{}); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestAGoroutineThatStaysIsALeak(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	go wait(end)
	err := find(time.Second)
	if err == nil || !strings.Contains(err.Error(), "leaktest.wait") {
		t.Errorf("got %v", err)
	}
	if err := find(time.Second, goleak.IgnoreAnyFunction("github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest.wait")); err != nil {
		t.Errorf("with an option: %v", err)
	}
	if status := Run(tests{status: 3}); status != 3 {
		t.Errorf("of tests that failed, status %d", status)
	}
	if status := Run(tests{}); status != 1 {
		t.Errorf("of tests that passed, status %d", status)
	}
}

func wait(end <-chan struct{}) { <-end }
