package testcaddy

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(probeApp{}) }

// probeApp lets a test look at a configuration that is provisioned and not started.
type probeApp struct{}

// looking is the test that looks; tests with Caddy are not parallel.
var looking func(caddy.Context)

func (probeApp) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "token_store_probe", New: func() caddy.Module { return new(probeApp) }}
}

func (probeApp) Provision(ctx caddy.Context) error {
	looking(ctx)
	return nil
}

func (probeApp) Start() error { return nil }
func (probeApp) Stop() error  { return nil }

// Probe provisions a configuration, calls look and cleans up.
func Probe(t *testing.T, raw []byte, look func(caddy.Context)) {
	t.Helper()
	var config caddy.Config
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	config.AppsRaw["token_store_probe"] = json.RawMessage("{}")
	looking = look
	if err := caddy.Validate(&config); err != nil {
		t.Fatal(err)
	}
}
