// Package leaktest looks for goroutines that are left when the tests of a package have ended. It is goleak with more
// patience.
package leaktest

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines may take to end. goleak itself waits for less than half a second. A server of HTTP/2 that is
// shut down takes a second for its farewell, one of HTTP/1 lets a client half a second to read the answer, and a slow machine
// adds to that.
const patience = 5 * time.Second

// Tests are a *testing.M, or what has one.
type Tests interface{ Run() int }

// VerifyTestMain runs the tests and ends the process: with status 1 if they passed and left goroutines that are not among
// the options. It is for a TestMain.
func VerifyTestMain(tests Tests, options ...goleak.Option) { os.Exit(Run(tests, options...)) }

// Run is VerifyTestMain for a TestMain that has to clean up: it returns the status.
func Run(tests Tests, options ...goleak.Option) (status int) {
	if status = tests.Run(); status != 0 {
		return status // a test that stopped half-way leaves what it would have ended
	}
	if err := find(patience, options...); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines are left of tests that passed:", err)
		return 1
	}
	return 0
}

// find returns an error if there are still goroutines when so long is over.
func find(patience time.Duration, options ...goleak.Option) error {
	began := time.Now()
	for {
		err := goleak.Find(options...) // waits a while itself
		if err == nil || time.Since(began) >= patience {
			return err
		}
	}
}
