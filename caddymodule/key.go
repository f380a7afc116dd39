package caddymodule

import (
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// parseEncryptionKey reads the setting of that name. The zero key means that none is
// configured, so that the key file beside the database is used.
func parseEncryptionKey(written string) (seal.Key, *tokenstore.ConfigError) {
	if written == "" {
		return seal.Key{}, nil
	}
	text, problem := placeholder.Replace(caddy.NewReplacer(), written, placeholder.Hidden)
	if problem != "" {
		return seal.Key{}, &tokenstore.ConfigError{Field: "encryption_key", Problem: problem}
	}
	key, err := seal.ParseKey(text)
	if err != nil {
		return seal.Key{}, &tokenstore.ConfigError{Field: "encryption_key", Problem: keyOrigin(written) + err.Error()}
	}
	return key, nil
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
