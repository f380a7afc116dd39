// Package e2e tests the real Caddy binary from outside, against real clients and
// servers: the official Dropbox SDK, curl, git, rclone, gh, the clients of GitHub,
// Slack and Google, certified authorization servers,
// Prometheus, the page of examples/dropbox-upload in Chromium, and the ways in
// which processes end. Package durability does that to the engine alone, and to its disk.
//
// It is a module of its own, so that nobody who builds Caddy with the plugin
// inherits what these tests depend on:
//
//	(cd oidc-provider && npm ci)
//	(cd clients && npm ci)
//	go test ./...
//
// Caddy is built from the module above; the environment variable E2E_CADDY names
// another binary to test instead, such as one that was built with -race.
//
// A test that needs a program which is not there is skipped, and fails if the
// environment has CI=true.
package e2e
