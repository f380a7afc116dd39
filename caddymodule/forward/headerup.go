package forward

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/placeholder"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
)

// checkHeaderOps refuses header_up for the headers that the token goes into. It would have no effect: the transport writes them after
// reverse_proxy is done with the request. Of p, which may be nil, come their names.
func checkHeaderOps(ops *headers.HeaderOps, p *tokenstore.Provider) error {
	if ops == nil {
		return nil
	}
	written := slices.Concat(ops.Delete, slices.Collect(maps.Keys(ops.Add)), slices.Collect(maps.Keys(ops.Set)), slices.Collect(maps.Keys(ops.Replace)))
	slices.Sort(written)
	var problems []error
	for _, field := range slices.Compact(written) {
		problems = append(problems, checkHeaderUp(field, tokenHeaders(p)))
	}
	return errors.Join(problems...)
}

// checkHeaderUpLine does so for the sub-directive header_up that d stands at, whoever the provider is.
func checkHeaderUpLine(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return nil // reverse_proxy tells
	}
	if err := checkHeaderUp(strings.TrimLeft(d.Val(), "+-?>"), tokenHeaders(nil)); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// tokenHeaders returns the headers that hold a token or nothing.
func tokenHeaders(p *tokenstore.Provider) []string {
	names := []string{"Authorization"} // never passes for any other reason
	if p == nil {
		return names
	}
	for _, h := range p.Hosts() {
		if !slices.Contains(names, h.Inject.Header) {
			names = append(names, h.Inject.Header)
		}
	}
	return names
}

// checkHeaderUp refuses a field of header_up, without the sign before it, that covers one of the names.
func checkHeaderUp(field string, names []string) error {
	if placeholder.In(field) {
		return nil
	}
	for _, name := range names {
		if covers(field, name) {
			return fmt.Errorf("header_up %s: %s goes to the API with the token of the connection or not at all, whatever is done to it here; take the line away or name other headers, and if the API wants the token in another header or form, say so with inject in the provider's block", field, name)
		}
	}
	return nil
}

// covers reports whether a field of header operations means the header of that name. Stars at its ends stand for anything.
func covers(field, name string) bool {
	core, before := strings.CutPrefix(strings.ToLower(field), "*")
	core, behind := strings.CutSuffix(core, "*")
	name = strings.ToLower(name)
	switch {
	case before && behind:
		return strings.Contains(name, core)
	case before:
		return strings.HasSuffix(name, core)
	case behind:
		return strings.HasPrefix(name, core)
	}
	return core == name
}
