package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/database"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/tokenapp"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/seal"
)

// offline says which database a command works on while no Caddy has it open. Its fields are flags.
type offline struct {
	client        *client // for the configuration, if one is named
	path, keyFile string
}

func (o *offline) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.path, "database", "", "Path of the database, if --config does not tell it and it is not the default")
	cmd.Flags().StringVar(&o.keyFile, "encryption-key-file", "", "File with the encryption key, if --config does not tell it and it is not beside the database")
}

// interruptible returns the command's context, which ends with Ctrl-C, so that a file which is half
// written is removed.
func interruptible(cmd *cobra.Command) (ctx context.Context, stop context.CancelFunc) {
	return signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
}

// written is what a configuration says about the database.
type written struct {
	Storage struct {
		Path string `json:"path"`
	} `json:"storage"`
	EncryptionKey string `json:"encryption_key"`
}

// configured returns what the configuration says that --config names; nothing if it names none.
func (o *offline) configured() (w written, err error) {
	raw, err := o.client.configuration()
	if raw == nil || err != nil {
		return w, err
	}
	var config struct {
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		return w, fmt.Errorf("reading the configuration %s: %w", o.client.config, err)
	}
	app, ok := config.Apps[tokenapp.Name]
	if !ok {
		return w, fmt.Errorf("the configuration %s has no token_store; name the one that Caddy runs with, or the database itself with --database", o.client.config)
	}
	if err := json.Unmarshal(app, &w); err != nil {
		return w, fmt.Errorf("reading token_store in the configuration %s: %w", o.client.config, err)
	}
	return w, nil
}

// locate returns the path of the database, where there may be none.
func (o *offline) locate() (string, error) {
	path := o.path
	if path == "" {
		w, err := o.configured()
		if err != nil {
			return "", err
		}
		path = w.Storage.Path
	}
	path, problem := database.Path(path)
	if problem != "" {
		return "", fmt.Errorf("the path of the database: %s; it can be given with --database", problem)
	}
	return path, nil
}

// existing returns the path of the database, and an error if there is none: a slip in a path must make nothing.
func (o *offline) existing() (string, error) {
	path, err := o.locate()
	if err != nil {
		return "", err
	}
	return path, isFile(path, "database", "name it with --database, or with --config the configuration that says where it is")
}

// isFile returns an error with the remedy if there is nothing at path, or a directory, or if it cannot be looked at.
func isFile(path, what, remedy string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s at %s; %s", what, path, remedy)
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory, and no %s; %s", path, what, remedy)
	}
	return withRemedy(err)
}

// existingWithKey returns where the database is, which must be there, and its key.
func (o *offline) existingWithKey() (string, seal.Key, error) {
	path, err := o.existing()
	if err != nil {
		return "", seal.Key{}, err
	}
	key, err := o.key(path)
	return path, key, err
}

// key returns the encryption key of the database.
func (o *offline) key(path string) (seal.Key, error) {
	if o.keyFile != "" {
		return loadKeyFile(o.keyFile, "--encryption-key-file is the path of the file that has the key")
	}
	w, err := o.configured()
	if err != nil {
		return seal.Key{}, err
	}
	key, problem := database.Key(w.EncryptionKey)
	if problem != "" {
		return seal.Key{}, fmt.Errorf("encryption_key in the configuration %s: %s; a file that has the key can be named with --encryption-key-file", o.client.config, problem)
	}
	if !key.IsZero() {
		return key, nil
	}
	return loadKeyFile(database.KeyFile(path), "name the file that has the key with --encryption-key-file, or with --config the configuration that has it")
}

// loadKeyFile adds the remedy for a file that is not there, or that has no key.
func loadKeyFile(path, remedy string) (seal.Key, error) {
	key, err := seal.LoadKeyFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return key, fmt.Errorf("there is no key file %s; %s", path, remedy)
	case errors.Is(err, seal.ErrInvalidKey):
		return key, fmt.Errorf("%w; what is encrypted already opens with its own key only: %s", err, remedy)
	}
	return key, withRemedy(err)
}
