package command

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/database"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// keyAdvice tells what has to be done so that Caddy uses the key that the database at path was restored with, and why. It
// is empty if Caddy does, as far as that can be known: only a key that --encryption-key-file names can be another one than
// Caddy takes.
func (o *offline) keyAdvice(path string, used seal.Key) (string, error) {
	if o.keyFile == "" {
		return "", nil
	}
	file, err := filepath.Abs(o.keyFile)
	if err != nil {
		return "", err
	}
	w, err := o.configured()
	if err != nil {
		return "", err
	}
	configure := fmt.Sprintf("encryption_key {file.%s}", printable(file))
	if w.EncryptionKey != "" {
		return configuredKeyAdvice(o.client.config, w.EncryptionKey, used, configure), nil
	}
	beside := database.KeyFile(path)
	install := fmt.Sprintf("put the key there (install -m 600 %s %s), or configure: %s", printable(file), printable(beside), configure)
	key, err := seal.LoadKeyFile(beside)
	switch {
	case err == nil && key.Equal(used):
		return "", nil
	case err == nil:
		return fmt.Sprintf("Where encryption_key is not configured Caddy takes the key in %s, which is another one and does not open this database. "+
			"Before you start Caddy, keep that key elsewhere and %s", printable(beside), install), nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("Where encryption_key is not configured Caddy takes the key in %s, and there is none. Before you start Caddy, %s", printable(beside), install), nil
	default:
		return fmt.Sprintf("Where encryption_key is not configured Caddy takes the key in %s, which cannot be used: %s. Before you start Caddy, mend that, or configure: %s",
			printable(beside), printable(err.Error()), configure), nil
	}
}

// configuredKeyAdvice is the advice where the configuration says which key there is.
func configuredKeyAdvice(config, setting string, used seal.Key, configure string) string {
	switch key, problem := database.Key(setting); {
	case problem != "":
		return fmt.Sprintf("The encryption_key of %s cannot be read here, so that nobody knows whether it opens this database: %s. The key with the fingerprint %s does. Where Caddy has another, configure: %s",
			printable(config), printable(problem), used.Fingerprint(), configure)
	case key.Equal(used):
		return ""
	}
	return fmt.Sprintf("The encryption_key of %s is another one, and does not open this database. Before you start Caddy, configure: %s", printable(config), configure)
}
