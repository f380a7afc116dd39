package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
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
	if o.client.config == "" {
		return w, nil
	}
	raw, _, _, err := caddycmd.LoadConfig(o.client.config, o.client.adapter)
	if err != nil {
		return w, fmt.Errorf("reading the configuration: %w", err)
	}
	var config struct {
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		return w, fmt.Errorf("reading the configuration: %w", err)
	}
	app, ok := config.Apps[tokenapp.Name]
	if !ok {
		return w, fmt.Errorf("the configuration %s has no token_store", o.client.config)
	}
	if err := json.Unmarshal(app, &w); err != nil {
		return w, fmt.Errorf("reading the configuration of token_store: %w", err)
	}
	return w, nil
}

// locate returns the path of the database.
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
		return "", fmt.Errorf("the path of the database: %s", problem)
	}
	return path, nil
}

// locateWithKey returns where the database is, and its key.
func (o *offline) locateWithKey() (string, seal.Key, error) {
	path, err := o.locate()
	if err != nil {
		return "", seal.Key{}, err
	}
	key, err := o.key(path)
	return path, key, err
}

// key returns the encryption key of the database.
func (o *offline) key(path string) (seal.Key, error) {
	if o.keyFile != "" {
		return seal.LoadKeyFile(o.keyFile)
	}
	w, err := o.configured()
	if err != nil {
		return seal.Key{}, err
	}
	key, problem := database.Key(w.EncryptionKey)
	if problem != "" {
		return seal.Key{}, errors.New("encryption_key: " + problem)
	}
	if !key.IsZero() {
		return key, nil
	}
	key, err = seal.LoadKeyFile(database.KeyFile(path))
	if err != nil {
		return seal.Key{}, fmt.Errorf("%w; name the file that has the key with --encryption-key-file, or with --config the configuration that has it", err)
	}
	return key, nil
}
