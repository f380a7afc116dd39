package caddymodule

import (
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/database"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// backendBolt is the only backend there is: one file on the local disk.
const backendBolt = "bolt"

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
	written := ""
	if c != nil {
		written = c.Path
	}
	path, problem := database.Path(written)
	if problem != "" {
		return "", &tokenstore.ConfigError{Field: "storage", Problem: problem}
	}
	return path, nil
}
