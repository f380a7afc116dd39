package access

import (
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/jwt"
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/limit"
)

// Access says who may use a route.
type Access struct {
	// Who may use the route. If it is left out, only processes of this machine may.
	Allow *Allow `json:"allow,omitempty"`
	// What pages of the allowed origins may send and read. It needs `origins` in `allow`.
	CORS *CORS `json:"cors,omitempty"`
	// How often, and how many at a time, callers may use the connection. Default: no limits.
	Limits limit.Limits `json:"limits,omitempty"`
}

// Allow lists who may use a route. Of a program, one of the rules has to hold that say who it is: local, keys, users, jwt or
// anyone. Of a page in a browser, its origin has to be listed; if there are keys, users, jwt or anyone too, one of these
// has to hold as well.
type Allow struct {
	// Processes of this machine: the connection comes from a loopback address or through a
	// unix socket, no proxy passed the request on, no browser sent it, and its Host
	// names the site. A template that includes the route (`httpInclude`) is no such process: whoever
	// reads the page would be.
	//
	// A proxy is recognised by the headers that it adds and by HTTP/1.0. A tunnel or a TCP proxy on this
	// machine that adds nothing (`ssh -L`, socat, HAProxy in TCP mode) cannot be told from a process of
	// this machine: where there is one, put authentication before the route.
	Local bool `json:"local,omitempty"`
	// The same, but only processes that run as one of these users of the machine, by name or by number, and connect through
	// a unix socket: no other connection tells whose it is. What counts is the effective user at the time of the connection.
	// Linux, macOS and FreeBSD know it. It takes the place of `local`.
	LocalUIDs []string `json:"local_uids,omitempty"`
	// Pages of these origins, such as `https://app.example.com`. `https://*.example.com`
	// stands for all subdomains, `http://localhost:*` for all ports, `*` for every page there is.
	// Placeholders such as `{env.APP_ORIGIN}` are replaced when the configuration is loaded.
	//
	// An origin identifies a page in a browser, not a person and not a program: whoever
	// else can reach the server can send the same header. Where that is more than this
	// machine, put authentication before the route.
	Origins []string `json:"origins,omitempty"`
	// Callers that send one of these keys, which are made with `caddy token-store keys create`; `*` stands for every key. A key
	// is for certain connections, and may be for certain methods and paths. It is sent as `Authorization: Bearer tsk_…`, in the header
	// `Ocp-Apim-Subscription-Key` or in the query parameter `subscription-key`.
	Keys []string `json:"keys,omitempty"`
	// Users whom an authentication handler before this route has recognised, by their id,
	// `{http.auth.user.id}`; `*` stands for all of them.
	Users []string `json:"users,omitempty"`
	// Callers who send, as `Authorization: Bearer`, a JSON Web Token of one of these issuers.
	JWT []*jwt.Issuer `json:"jwt,omitempty"`
	// Everybody who reaches the server, apart from pages whose origin is not listed.
	Anyone bool `json:"anyone,omitempty"`
}
