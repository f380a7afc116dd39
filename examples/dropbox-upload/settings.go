package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// mode says what the page does.
type mode string

const (
	forward    mode = "forward" // it sends its requests to Caddy, which attaches the token
	returnMode mode = "return"  // it gets the token from Caddy and calls Dropbox itself
)

func (m mode) other() mode {
	if m == forward {
		return returnMode
	}
	return forward
}

// The ports are fixed, since Dropbox knows the redirect URI with its port.
const (
	defaultPort     = 8080
	defaultPagePort = 5173
)

// settings are what the flags and the environment say.
type settings struct {
	mode           mode
	port, pagePort int
	verbose        bool
	app            *app   // nil: the stand-in
	dir            string // where the page, its packages and the Caddyfile are
}

// app is one that is registered at the real Dropbox. Its secret is not here: Caddy takes
// that from the environment itself.
type app struct{ clientID string }

// The variables that name the app.
const (
	clientIDVariable     = "DROPBOX_CLIENT_ID"
	clientSecretVariable = "DROPBOX_CLIENT_SECRET" //nolint:gosec // the name of a variable
)

// readApp returns nil if neither variable is set.
func readApp(getenv func(string) string) (*app, error) {
	id, secret := getenv(clientIDVariable), getenv(clientSecretVariable)
	set, missing := clientIDVariable, clientSecretVariable
	switch {
	case id == "" && secret == "":
		return nil, nil //nolint:nilnil // no app is as good as one
	case id != "" && secret != "":
		return &app{clientID: id}, nil
	case id == "":
		set, missing = missing, set
	}
	return nil, fmt.Errorf("%s is set and %s is not; set both for the real Dropbox, or neither for the stand-in", set, missing)
}

func (s settings) check() error {
	switch {
	case s.mode != forward && s.mode != returnMode:
		return fmt.Errorf("there is no mode %q; it is forward or return", s.mode)
	case !isPort(s.port) || !isPort(s.pagePort):
		return errors.New("a port is a number from 1 to 65535")
	case s.port == s.pagePort:
		return errors.New("the page and the routes need a port each")
	}
	return nil
}

func isPort(n int) bool { return n >= 1 && n <= 65535 }

func (s settings) api() string         { return fmt.Sprintf("http://localhost:%d", s.port) }
func (s settings) page() string        { return fmt.Sprintf("http://localhost:%d", s.pagePort) }
func (s settings) redirectURI() string { return s.api() + "/connect/callback/dropbox-demo" }
func (s settings) dist() string        { return filepath.Join(s.dir, "dist", string(s.mode)) }
func (s settings) caddyfile() string   { return filepath.Join(s.dir, "Caddyfile") }

// findProject returns the directory of this example, seen from the checkout or from itself.
func findProject() (string, error) {
	for _, dir := range []string{filepath.Join("examples", "dropbox-upload"), "."} {
		if exists(filepath.Join(dir, "package.json")) && exists(filepath.Join(dir, "Caddyfile")) {
			return filepath.Abs(dir)
		}
	}
	return "", errors.New("examples/dropbox-upload is not here; run the command in the checkout of this repository")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
