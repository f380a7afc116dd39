// Package soaktest tells tests how often to do what seldom goes wrong: some hundred times in each
// run, and thousands of times with the flag -soak, before a release.
//
// Importing it defines the flag, so that only tests should. In the directory e2e, go run ./soak gives it to all that know it.
package soaktest

import "flag"

var soak = flag.Bool("soak", false, "do what seldom goes wrong many times more often; give a -timeout of an hour with it")

// Times returns soaking if the flag -soak was given, and usual otherwise. It is to be called
// when the flags have been parsed, which they are in a test.
func Times(usual, soaking int) int {
	if *soak {
		return soaking
	}
	return usual
}
