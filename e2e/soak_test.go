package e2e

import "flag"

var soak = flag.Bool("soak", false, "do what can go wrong seldom many times more often; give a -timeout of an hour with it")

// times returns how often to do something.
func times(usual, soaking int) int {
	if *soak {
		return soaking
	}
	return usual
}
