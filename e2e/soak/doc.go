// Command soak does what seldom goes wrong some thousand times, where each run of the tests does it some hundred
// times: kills, power cuts, full disks, damaged files, reloads, a million connections. It is to be run before a release,
// takes up to an hour, and needs root, FUSE and strace, on Linux:
//
//	go run ./soak -json soak/result.json -into ../docs/reliability.md     # in the directory e2e
//	go run ./soak -only 'PowerCuts|Kills'
//
// All of it are tests and benchmarks that stand beside what they are about, with the flag -soak of package soaktest. The
// list is in plan.go. A test that is skipped, or is not there, counts as one that failed: a result without failures says
// that all of them took place. What a test prints of its counts goes into the result.
package main
