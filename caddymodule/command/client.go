package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// maxAnswer is the most that is read of an answer of the admin API.
const maxAnswer = 16 << 20

// client calls the admin API.
type client struct {
	address, config, adapter string // flags

	loaded []byte // the configuration, once it was read
}

// apiError is an answer of the admin API that tells of a failure.
type apiError struct {
	status  int
	message string
}

func (e *apiError) Error() string { return e.message }

// notFound reports whether the admin API said that there is no such thing.
func notFound(err error) bool {
	failure, ok := errors.AsType[*apiError](err)
	return ok && failure.status == http.StatusNotFound
}

func (c *client) list(provider, after string) (page adminapi.Connections, err error) {
	query := url.Values{"limit": {"1000"}}
	if provider != "" {
		query.Set("provider", provider)
	}
	if after != "" {
		query.Set("after", after)
	}
	return page, c.call(http.MethodGet, "/connections?"+query.Encode(), nil, &page)
}

func (c *client) providers() (list adminapi.Providers, err error) {
	return list, c.call(http.MethodGet, "/providers", nil, &list)
}

func (c *client) show(id tokenstore.ID) (conn adminapi.Connection, err error) {
	return conn, c.call(http.MethodGet, connectionPath(id), nil, &conn)
}

func (c *client) refresh(id tokenstore.ID) (conn adminapi.Connection, err error) {
	return conn, c.call(http.MethodPost, connectionPath(id)+"/refresh", nil, &conn)
}

func (c *client) loginLink(id tokenstore.ID) (link adminapi.LoginLink, err error) {
	return link, c.call(http.MethodPost, connectionPath(id)+"/login_link", nil, &link)
}

func (c *client) put(id tokenstore.ID, g adminapi.Grant) (conn adminapi.Connection, err error) {
	body, err := g.Encode()
	if err != nil {
		return conn, fmt.Errorf("encoding the grant: %w", err)
	}
	return conn, c.call(http.MethodPut, connectionPath(id), bytes.NewReader(body), &conn)
}

func (c *client) delete(id tokenstore.ID) error {
	return c.call(http.MethodDelete, connectionPath(id), nil, nil)
}

func (c *client) listKeys() (list adminapi.Keys, err error) {
	return list, c.call(http.MethodGet, "/keys", nil, &list)
}

func (c *client) createKey(spec adminapi.KeySpec) (key adminapi.CreatedKey, err error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return key, fmt.Errorf("encoding the key: %w", err)
	}
	return key, c.call(http.MethodPost, "/keys", bytes.NewReader(body), &key)
}

func (c *client) revokeKey(name string) error {
	return c.call(http.MethodDelete, "/keys/"+url.PathEscape(name), nil, nil)
}

func connectionPath(id tokenstore.ID) string {
	return "/connections/" + url.PathEscape(id.Provider) + "/" + url.PathEscape(id.Name)
}

// call asks the admin API and decodes its answer into into, unless that is nil.
func (c *client) call(method, path string, body io.Reader, into any) error {
	resp, err := c.send(method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("the answer of the admin API cannot be read: %w; is it that of a Caddy with this plugin?", err)
	}
	return nil
}

// send asks the admin API, and returns its answer if that is no failure. The caller must close its body.
func (c *client) send(method, path string, body io.Reader) (*http.Response, error) {
	address, err := c.adminAddress()
	if err != nil {
		return nil, fmt.Errorf("finding the admin API's address: %w; you can give it with --address", err)
	}
	resp, err := caddycmd.AdminAPIRequest(address, method, adminapi.Base+path, nil, body)
	if err != nil {
		return nil, explain(address, err)
	}
	return resp, nil
}

// adminAddress returns what a flag, the configuration or Caddy's default says.
func (c *client) adminAddress() (string, error) {
	if c.address != "" {
		return c.address, nil
	}
	raw, err := c.configuration()
	if err != nil {
		return "", err
	}
	return caddycmd.DetermineAdminAPIAddress("", raw, c.config, c.adapter)
}

// adminAnswer is how AdminAPIRequest words an answer that tells of a failure.
var adminAnswer = regexp.MustCompile(`(?s)HTTP (\d{3}): (.*)$`)

// explain turns the error of AdminAPIRequest into one that says what to do.
func explain(address string, err error) error {
	found := adminAnswer.FindStringSubmatch(err.Error())
	if found == nil {
		return fmt.Errorf("%w\nIs Caddy running, and is its admin API at %s? Give another address with --address, or with --config the configuration that has it", err, address)
	}
	status, _ := strconv.Atoi(found[1])
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(found[2]), &said) == nil && said.Error != "" {
		return &apiError{status, printable(said.Error)}
	}
	if status == http.StatusNotFound {
		return fmt.Errorf("the Caddy at %s knows no token store; was it built with this plugin?", address)
	}
	return &apiError{status, fmt.Sprintf("the admin API at %s answered with status %d; Caddy's log tells more", address, status)}
}
