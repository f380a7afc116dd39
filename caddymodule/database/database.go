// Package database says where the database of a token store is, and what key it is sealed with, as
// the configuration writes it: for the app, and for the commands that work while no Caddy runs.
package database

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// Default is where the database is if the configuration does not say it.
const Default = "{data_dir}/token_store/tokens.db"

// keyFileSuffix makes the key file's name of the database's.
const keyFileSuffix = ".key"

// Path returns the clean, absolute path of the database: what is written, or Default if that is empty. It touches
// nothing on the disk but what placeholders name. If there is no such path, problem says why.
func Path(written string) (path, problem string) {
	if written == "" {
		written = Default
	}
	r := caddy.NewReplacer()
	r.Map(func(key string) (any, bool) { return caddy.AppDataDir(), key == "data_dir" })
	path, problem = placeholder.Replace(r, written, placeholder.Shown)
	if problem != "" {
		return "", problem
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Sprintf("%q cannot be made absolute: %v", path, err)
	}
	return abs, ""
}

// KeyFile returns the path of the file that has the key of a database, unless one is configured.
func KeyFile(path string) string { return path + keyFileSuffix }

// Key reads the setting encryption_key. The zero key means that none is configured, so that the key
// file beside the database is used. If there is something and it is no key, problem says what.
func Key(written string) (key seal.Key, problem string) {
	if written == "" {
		return seal.Key{}, ""
	}
	text, problem := placeholder.Replace(caddy.NewReplacer(), written, placeholder.Hidden)
	if problem != "" {
		return seal.Key{}, problem
	}
	key, err := seal.ParseKey(text)
	if err != nil {
		return seal.Key{}, keyOrigin(written) + err.Error()
	}
	return key, ""
}

// keyOrigin says where a key came from, if that is no secret itself: a message
// about a wrong file should name the file.
func keyOrigin(written string) string {
	inner, opened := strings.CutPrefix(written, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !opened || !closed {
		return ""
	}
	if name, ok := strings.CutPrefix(inner, "env."); ok {
		return fmt.Sprintf("environment variable %s: ", name)
	}
	if path, ok := strings.CutPrefix(inner, "file."); ok {
		return fmt.Sprintf("file %s: ", path)
	}
	return ""
}
