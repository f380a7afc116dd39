//go:build unix

package bolt_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage/bolt"
)

// Who waits for the lock of a file must not get that of one which was replaced meanwhile.
func TestALockIsThatOfTheFileInItsPlace(t *testing.T) {
	tests := map[string]func(path string) (release func() error, err error){
		"Lock": func(path string) (func() error, error) {
			return bolt.Lock(path, bolt.Options{LockTimeout: 10 * time.Second})
		},
		"Open": func(path string) (func() error, error) {
			s, err := bolt.Open(path, bolt.Options{LockTimeout: 10 * time.Second})
			if err != nil {
				return nil, err
			}
			return s.Close, nil
		},
	}
	for name, take := range tests {
		t.Run(name, func(t *testing.T) {
			path, next := newPath(t), newPath(t)
			must(t, mustOpen(t, path).Close())
			must(t, mustOpen(t, next).Close())
			former, err := bolt.Lock(path, bolt.Options{})
			must(t, err)
			type lock struct {
				release func() error
				err     error
			}
			waiting := make(chan lock)
			go func() {
				release, err := take(path)
				waiting <- lock{release, err}
			}()
			waitForOpenFile(t, path, 2)
			must(t, os.Rename(next, path))
			must(t, former())
			got := <-waiting
			must(t, got.err)
			if _, err := bolt.Open(path, bolt.Options{LockTimeout: 1}); !errors.Is(err, storage.ErrLocked) {
				t.Errorf("the file in its place is not locked: %v", err)
			}
			must(t, got.release())
		})
	}
}

// waitForOpenFile waits until this process has a file open that often, where the system tells.
func waitForOpenFile(t *testing.T, path string, times int) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		open := 0
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return
		}
		for _, e := range entries {
			if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && target == path {
				open++
			}
		}
		if open >= times {
			return
		}
		<-tick.C
	}
	t.Fatal("nobody waits for the lock")
}
