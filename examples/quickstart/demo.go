package main

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

//go:embed Caddyfile
var caddyfile []byte

const (
	connection = "dropbox-demo/auth"

	clientID     = "quickstart"
	clientSecret = "not-a-secret"

	// tokenLifetime is short enough to watch tokens come and go.
	tokenLifetime = 10 * time.Second
)

// demo is what runs: the stand-in in this process, Caddy in a process of its own.
type demo struct {
	dir       string
	temporary bool
	once      bool

	standin *standin.Server
	caddy   *caddyproc.Process // nil until it is started
	log     *os.File           // nil: Caddy logs to stderr
	stderr  io.Writer

	port, adminPort int
	transport       *http.Transport
	client          *http.Client // without cookies, as programs are
}

// newDemo starts the stand-in and prepares everything for Caddy.
func newDemo(o options, stderr io.Writer) (_ *demo, err error) {
	d := &demo{dir: o.dir, once: o.once, stderr: stderr, transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	d.client = &http.Client{Transport: d.transport, Timeout: 30 * time.Second}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close(false))
		}
	}()
	d.port, d.adminPort = o.port, o.adminPort
	if err := caddyproc.Ports(&d.port, &d.adminPort); err != nil {
		return nil, err
	}
	if err := d.makeFiles(o.verbose); err != nil {
		return nil, err
	}
	d.standin = standin.New(standin.Options{
		Clients: []standin.Client{{
			ID: clientID, Secret: clientSecret, Name: "Caddy Token Store",
			RedirectURIs: []string{d.site() + "/connect/callback/dropbox-demo"},
		}},
		AccessLifetime: tokenLifetime,
		Rotation:       standin.RotateAlways,
		OfflineOnly:    true,
	})
	d.standin.Script(o.script...)
	return d, d.standin.Start()
}

// makeFiles makes the directory, the log and the Caddyfile.
func (d *demo) makeFiles(verbose bool) (err error) {
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "quickstart-"); err != nil {
			return err
		}
		d.temporary = true
	}
	if d.dir, err = filepath.Abs(d.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	if !verbose {
		if d.log, err = os.OpenFile(filepath.Join(d.dir, "caddy.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(d.config(), caddyfile, 0o600)
}

func (d *demo) site() string     { return "http://localhost:" + strconv.Itoa(d.port) }
func (d *demo) admin() string    { return "http://localhost:" + strconv.Itoa(d.adminPort) }
func (d *demo) config() string   { return filepath.Join(d.dir, "Caddyfile") }
func (d *demo) database() string { return filepath.Join(d.dir, "caddy", "token_store", "tokens.db") }

// environment is what the Caddyfile is filled in with, and where Caddy keeps its files.
func (d *demo) environment() []string {
	return append(os.Environ(),
		"XDG_DATA_HOME="+d.dir,
		"XDG_CONFIG_HOME="+d.dir,
		"XDG_CACHE_HOME="+d.dir,
		"QUICKSTART_PORT="+strconv.Itoa(d.port),
		"QUICKSTART_ADMIN_PORT="+strconv.Itoa(d.adminPort),
		"QUICKSTART_CLIENT_ID="+clientID,
		"QUICKSTART_CLIENT_SECRET="+clientSecret,
		"QUICKSTART_OAUTH_URL="+d.standin.OAuthURL(),
		"QUICKSTART_API_URL="+d.standin.APIURL(),
		"QUICKSTART_CONTENT_URL="+d.standin.ContentURL(),
	)
}

// startCaddy starts Caddy and waits until it serves.
func (d *demo) startCaddy(ctx context.Context) error {
	log := d.stderr
	if d.log != nil {
		log = d.log
	}
	var err error
	if d.caddy, err = caddyproc.Start(d.config(), d.environment(), log); err != nil {
		return err
	}
	return d.caddy.WaitReady(ctx, d.client, d.admin()+"/token_store/ready", d.site()+"/")
}

// close ends everything. The temporary directory is kept if somebody may want
// to read the log in it.
func (d *demo) close(keep bool) error {
	var errs []error
	d.transport.CloseIdleConnections()
	if d.caddy != nil {
		_ = d.caddy.Stop()
	}
	if d.standin != nil {
		errs = append(errs, d.standin.Close())
	}
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	if d.temporary && !keep {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}
