package forward

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/headers"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/methods"
)

// Passage is what of requests and answers goes on.
type Passage struct {
	// The methods that may be used, such as `GET` and `PROPFIND`, in place of those of the provider. Others are
	// answered with 405. CONNECT, TRACE and what is like them can never be used.
	Methods []string `json:"methods,omitempty"`

	// Request headers to pass on beside those that pass for every provider and those of the provider's own: names, or
	// beginnings of names such as `X-Acme-*`. Cookies, `Origin`, `X-Api-Key`, `X-Forwarded-For`,
	// `Dropbox-API-Select-User` and others that tell about the client, act for somebody else or override the method have
	// to be written out. `Authorization` is never passed on. Needs `forward`.
	PassHeaders []string `json:"pass_headers,omitempty"`

	// Response headers to pass on, likewise. What speaks for your whole origin, such as `Set-Cookie`
	// and `Strict-Transport-Security`, has to be written out. CORS headers of the API are never passed on. Needs `forward`.
	PassResponseHeaders []string `json:"pass_response_headers,omitempty"`
}

// validate returns all that is wrong with p, joined. forward says whether the route forwards itself.
func (p *Passage) validate(forward bool) error {
	var problems []error
	for _, m := range p.Methods {
		if err := methods.Check(m); err != nil {
			problems = append(problems, fmt.Errorf("methods: %w", err))
		}
	}
	for _, name := range p.PassHeaders {
		if err := headers.CheckRequest(name); err != nil {
			problems = append(problems, fmt.Errorf("pass_header: %w", err))
		}
	}
	for _, name := range p.PassResponseHeaders {
		if err := headers.CheckResponse(name); err != nil {
			problems = append(problems, fmt.Errorf("pass_response_header: %w", err))
		}
	}
	if !forward && len(p.PassHeaders)+len(p.PassResponseHeaders) > 0 {
		problems = append(problems, errors.New("pass_header, pass_response_header: only a route that forwards takes headers away; add forward, or leave them out"))
	}
	return errors.Join(problems...)
}

// unmarshalSubdirective reads the sub-directive that d stands at, if it is one of p's.
func (p *Passage) unmarshalSubdirective(d *caddyfile.Dispenser) (known bool, err error) {
	var list *[]string
	var check func(string) error
	name := d.Val()
	switch name {
	case "methods":
		list, check = &p.Methods, methods.Check
	case "pass_header":
		list, check = &p.PassHeaders, headers.CheckRequest
	case "pass_response_header":
		list, check = &p.PassResponseHeaders, headers.CheckResponse
	default:
		return false, nil
	}
	args := d.RemainingArgs()
	if len(args) == 0 {
		return true, d.ArgErr()
	}
	for _, arg := range args {
		if err := check(arg); err != nil {
			return true, d.Errf("%s: %w", name, err)
		}
	}
	*list = append(*list, args...)
	return true, nil
}

// passing is a Passage for one provider, ready for use. It is safe for concurrent use.
type passing struct {
	methods           []string
	allow             string // the methods, as a client is told
	request, response *headers.Filter
}

// newPassing makes what p, which is valid, comes to for a provider.
func (p *Passage) newPassing(provider *tokenstore.Provider) *passing {
	rules := provider.Headers().With(headers.Rules{Request: p.PassHeaders, Response: p.PassResponseHeaders})
	out := &passing{methods: p.Methods, request: rules.RequestFilter(), response: rules.ResponseFilter()}
	if len(out.methods) == 0 {
		out.methods = provider.Methods()
	}
	out.allow = strings.Join(out.methods, ", ")
	return out
}

// lets reports whether a method may be used.
func (p *passing) lets(method string) bool { return slices.Contains(p.methods, method) }
