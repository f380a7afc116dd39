// Command bench compares token_proxy with other ways to put a token on a request, all of
// them on this machine and in one run:
//
//	go run ./bench            # in the directory e2e; takes about ten minutes
//	go run ./bench -connections 16 -sizes 1024 -parts table -stored 1000 -turn 100ms     # half a minute
//
// The competitors are this forwarder; a stock Caddy with a fixed header, tuned as token_proxy is and with its
// defaults; one that fetches the token with forward_auth; a reverse proxy of Go's standard library over
// oauth2.Transport; nginx and haproxy. Each runs in a process of its own and has the machine to itself while it
// has its turn. Turns are short and interleaved, in a new order each round, and what counts is the ratio to the
// stock Caddy within a round: it means something on a noisy machine too, and the absolute figures do not.
//
// It goes on with what this forwarder has promised: allocations, refreshes under way, the hand-out of tokens, bodies of
// 512 MiB. With -gate it fails if a promise is not kept; docs/performance.md explains the figures.
//
// It reads the clocks and the memory of other processes from the kernel, and so needs Linux.
package main
