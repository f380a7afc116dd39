package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// configuration returns what --config names, as JSON; nil if it names none. It is read once, since standard input
// cannot be read again.
func (c *client) configuration() ([]byte, error) {
	if c.config == "" {
		return nil, nil
	}
	if c.loaded == nil {
		raw, err := readConfig(c.config, c.adapter)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration that --config names: %w", err)
		}
		c.loaded = raw
	}
	return c.loaded, nil
}

// readConfig does what caddycmd.LoadConfig does, which also logs each step to the terminal, where the command has
// something to say.
func readConfig(file, adapter string) ([]byte, error) {
	raw, err := readFile(file)
	if err != nil {
		return nil, err
	}
	if adapter == "" && isCaddyfile(file) {
		adapter = "caddyfile"
	}
	if adapter == "" {
		if !json.Valid(raw) {
			return nil, fmt.Errorf("%s is not JSON; if it is a Caddyfile, add --adapter caddyfile", file)
		}
		return raw, nil
	}
	with := caddyconfig.GetAdapter(adapter)
	if with == nil {
		return nil, fmt.Errorf("there is no adapter %q in this Caddy; caddy list-modules tells which there are", adapter)
	}
	adapted, _, err := with.Adapt(raw, map[string]any{"filename": file})
	if err != nil {
		return nil, fmt.Errorf("adapting it with %s: %w", adapter, err)
	}
	return adapted, nil
}

func readFile(file string) ([]byte, error) {
	if file != "-" {
		return os.ReadFile(file)
	}
	raw, err := io.ReadAll(os.Stdin)
	if err == nil && len(raw) == 0 {
		err = errors.New("standard input is empty")
	}
	return raw, err
}

// isCaddyfile tells a Caddyfile by its name, as Caddy does.
func isCaddyfile(file string) bool {
	base := strings.ToLower(filepath.Base(file))
	return filepath.Ext(base) != ".json" && (strings.HasPrefix(base, "caddyfile") || strings.HasSuffix(base, ".caddyfile"))
}
