package caddymodule

import (
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/database"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// parseEncryptionKey reads the setting of that name. The zero key means that none is
// configured, so that the key file beside the database is used.
func parseEncryptionKey(written string) (seal.Key, *tokenstore.ConfigError) {
	key, problem := database.Key(written)
	if problem != "" {
		return seal.Key{}, &tokenstore.ConfigError{Field: "encryption_key", Problem: problem}
	}
	return key, nil
}
