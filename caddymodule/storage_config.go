package caddymodule

import (
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// backendBolt is the only backend there is: one file on the local disk.
const backendBolt = "bolt"

// defaultDatabase is where the database is if the configuration does not say it.
const defaultDatabase = "{data_dir}/token_store/tokens.db"

// StorageConfig says where connections and their tokens are kept. Everything
// kept there is encrypted.
type StorageConfig struct {
	// What keeps the records. Only `bolt`, a file on the local disk for one
	// Caddy process, is known. Default: `bolt`.
	Backend string `json:"backend,omitempty"`

	// The path of the database file. It is created if it is missing, readable
	// only by the user who runs Caddy. It must not be on a network file system.
	// The placeholder `{data_dir}` stands for Caddy's data directory; global
	// placeholders such as `{env.HOME}` work too.
	// Default: `{data_dir}/token_store/tokens.db`.
	Path string `json:"path,omitempty"`
}

// check returns what is wrong with c as it is written.
func (c *StorageConfig) check() *tokenstore.ConfigError {
	if c == nil || c.Backend == "" || c.Backend == backendBolt {
		return nil
	}
	return &tokenstore.ConfigError{
		Field:   "storage",
		Problem: fmt.Sprintf("unknown backend %q; write: storage bolt <path>", c.Backend),
	}
}

// databasePath returns the clean, absolute path of the database. It touches nothing on
// the disk but what placeholders name.
func (c *StorageConfig) databasePath() (string, *tokenstore.ConfigError) {
	if err := c.check(); err != nil {
		return "", err
	}
	written := defaultDatabase
	if c != nil && c.Path != "" {
		written = c.Path
	}
	r := caddy.NewReplacer()
	r.Map(func(key string) (any, bool) { return caddy.AppDataDir(), key == "data_dir" })
	path, problem := placeholder.Replace(r, written, placeholder.Shown)
	if problem != "" {
		return "", &tokenstore.ConfigError{Field: "storage", Problem: problem}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", &tokenstore.ConfigError{Field: "storage", Problem: fmt.Sprintf("%q cannot be made absolute: %v", path, err)}
	}
	return abs, nil
}
