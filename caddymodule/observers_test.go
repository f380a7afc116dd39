package caddymodule

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/oauth"
)

// recorder notes which of its methods were called.
type recorder struct{ calls []string }

func (r *recorder) Refreshed(tokenstore.RefreshEvent)     { r.calls = append(r.calls, "Refreshed") }
func (r *recorder) ConsentNeeded(tokenstore.ConsentEvent) { r.calls = append(r.calls, "ConsentNeeded") }
func (r *recorder) Consented(tokenstore.ID)               { r.calls = append(r.calls, "Consented") }
func (r *recorder) Deleted(tokenstore.ID)                 { r.calls = append(r.calls, "Deleted") }
func (r *recorder) ProviderPaused(tokenstore.PauseEvent)  { r.calls = append(r.calls, "ProviderPaused") }
func (r *recorder) Unsaved(tokenstore.UnsavedEvent)       { r.calls = append(r.calls, "Unsaved") }
func (r *recorder) Late(string, time.Duration)            { r.calls = append(r.calls, "Late") }
func (r *recorder) Trouble(string, error)                 { r.calls = append(r.calls, "Trouble") }

func TestEachObserverIsToldEverything(t *testing.T) {
	var one, two recorder
	all := reflect.ValueOf(observers{&one, &two})
	kind := reflect.TypeFor[tokenstore.Observer]()
	var want []string
	for method := range kind.Methods() {
		var args []reflect.Value
		for in := range method.Type.Ins() {
			args = append(args, reflect.Zero(in))
		}
		all.MethodByName(method.Name).Call(args)
		want = append(want, method.Name)
	}
	for _, r := range []recorder{one, two} {
		if diff := cmp.Diff(want, r.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
}

func TestWhatTheLogTells(t *testing.T) {
	id := tokenstore.ID{Provider: "a", Name: "x"}
	failed := func(class oauth.Class, reason string) func(tokenstore.Observer) {
		return func(o tokenstore.Observer) {
			o.Refreshed(tokenstore.RefreshEvent{
				ID: id, Class: class, Reason: reason, Err: &oauth.Error{Op: "refresh", Class: class, Reason: reason},
			})
		}
	}
	tests := map[string]struct {
		tell  func(tokenstore.Observer)
		level zapcore.Level
		want  map[string]string // fields
	}{
		"a refreshed token, for debugging": {
			func(o tokenstore.Observer) {
				o.Refreshed(tokenstore.RefreshEvent{ID: id, Trigger: tokenstore.TriggerSchedule, Generation: 7})
			},
			zap.DebugLevel, map[string]string{"connection": "a/x", "trigger": "schedule", "generation": "7"},
		},
		"a failure that passes": {
			failed(oauth.Transient, "timeout"), zap.WarnLevel,
			map[string]string{"connection": "a/x", "class": "transient", "reason": "timeout"},
		},
		"a refused address": {
			func(o tokenstore.Observer) {
				refused := &dial.RefusedError{Host: "git.example", Addr: netip.MustParseAddr("10.0.0.1")}
				o.Refreshed(tokenstore.RefreshEvent{ID: id, Class: oauth.Config, Reason: "refused_address", Err: &oauth.Error{Class: oauth.Config, Refused: refused}})
			},
			zap.ErrorLevel, map[string]string{"connection": "a/x", "reason": "refused_address", "error": "no connection to git.example: its address 10.0.0.1 is not a public one; if the host is meant to be in a private network, write private in its block of the configuration, or its IP address in the URL"},
		},
		"a refused client": {
			failed(oauth.Config, "invalid_client"), zap.ErrorLevel,
			map[string]string{"connection": "a/x", "class": "config", "reason": "invalid_client"},
		},
		"an intent that could not be saved": {
			func(o tokenstore.Observer) {
				o.Refreshed(tokenstore.RefreshEvent{ID: id, Reason: "storage", Err: errors.New("disk full")})
			},
			zap.WarnLevel, map[string]string{"connection": "a/x", "reason": "storage", "error": "disk full"},
		},
		"a consent that is needed": {
			func(o tokenstore.Observer) {
				o.ConsentNeeded(tokenstore.ConsentEvent{ID: id, Reason: tokenstore.ReasonRevoked})
			},
			zap.WarnLevel, map[string]string{"connection": "a/x", "reason": "revoked"},
		},
		"a consent": {
			func(o tokenstore.Observer) { o.Consented(id) }, zap.InfoLevel, map[string]string{"connection": "a/x"},
		},
		"a deletion": {
			func(o tokenstore.Observer) { o.Deleted(id) }, zap.InfoLevel, map[string]string{"connection": "a/x"},
		},
		"a pause": {
			func(o tokenstore.Observer) {
				o.ProviderPaused(tokenstore.PauseEvent{Provider: "a", Until: time.Unix(9, 0), Reason: "breaker"})
			},
			zap.WarnLevel, map[string]string{"provider": "a", "reason": "breaker"},
		},
		"a pause of all providers of a token host": {
			func(o tokenstore.Observer) {
				o.ProviderPaused(tokenstore.PauseEvent{Provider: "a", Host: "https://as.example", Until: time.Unix(9, 0), Reason: "refused"})
			},
			zap.WarnLevel, map[string]string{"provider": "a", "reason": "refused", "token_host": "https://as.example"},
		},
		"the end of a pause": {
			func(o tokenstore.Observer) { o.ProviderPaused(tokenstore.PauseEvent{Provider: "a"}) },
			zap.InfoLevel, map[string]string{"provider": "a"},
		},
		"a token that is in memory only": {
			func(o tokenstore.Observer) {
				o.Unsaved(tokenstore.UnsavedEvent{ID: id, Err: errors.New("disk full"), Total: 2})
			},
			zap.ErrorLevel, map[string]string{"connection": "a/x", "unsaved": "2", "error": "disk full"},
		},
		"a token that is saved after all": {
			func(o tokenstore.Observer) { o.Unsaved(tokenstore.UnsavedEvent{ID: id, Total: 1}) },
			zap.InfoLevel, map[string]string{"connection": "a/x", "still_unsaved": "1"},
		},
		"trouble": {
			func(o tokenstore.Observer) { o.Trouble("census", errors.New("damaged")) },
			zap.ErrorLevel, map[string]string{"operation": "census", "error": "damaged"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			tt.tell(logObserver{zap.New(core)})
			entries := logs.All()
			if len(entries) != 1 || entries[0].Level != tt.level {
				t.Fatalf("the log has %v, want one entry at %s", entries, tt.level)
			}
			fields := entries[0].ContextMap()
			for key, want := range tt.want {
				if got := fmt.Sprint(fields[key]); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}
