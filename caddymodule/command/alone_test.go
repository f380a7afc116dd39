package command_test

import (
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// backups keeps the scripts, which run in parallel, from making two backups at a time, which Caddy refuses.
type backups struct{ mu sync.Mutex }

// alone COMMAND... is exec for a command that makes a backup.
func (b *backups) alone(ts *testscript.TestScript, neg bool, args []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch err := ts.Exec(args[0], args[1:]...); {
	case err == nil && neg:
		ts.Fatalf("%v succeeds", args)
	case err != nil && !neg:
		ts.Fatalf("%v: %v", args, err)
	}
}
