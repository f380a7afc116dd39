package callerkey

import (
	"slices"
	"strings"
)

// Scope is what a key or a grant may be used for. A list that is nil does not restrict; one that is
// empty is invalid. It must not be changed once it was handed to, or came from, [Keys].
type Scope struct {
	// Connections are "provider/name", or "provider/*" for all of a provider; at least one.
	Connections []string `json:"connections"`
	// Methods of HTTP, as they are sent: GET allows no HEAD.
	Methods []string `json:"methods,omitzero"`
	// Paths of the API, escaped as they are sent, each beginning with a slash. A "*" at the end
	// stands for any rest.
	Paths []string `json:"paths,omitzero"`
	// Origins of the pages that may use it, as browsers send them: https://app.example.com. If there
	// are any, a request without one of these is refused.
	Origins []string `json:"origins,omitzero"`
}

// Use is one use of a connection.
type Use struct {
	Connection string // provider/name
	Method     string
	Path       string // of the API, escaped, without a query
	// Method and Path are empty if the token itself is asked for. A scope that restricts
	// either does not allow that, as the token would not be restricted.

	Origin string // of the page, as its browser sent it; empty if there is none
}

// Allows reports whether s allows u.
func (s Scope) Allows(u Use) bool {
	return coversConnection(s.Connections, u.Connection) &&
		(s.Methods == nil || u.Method != "" && slices.Contains(s.Methods, u.Method)) &&
		(s.Paths == nil || coversPath(s.Paths, u.Path)) &&
		(s.Origins == nil || u.Origin != "" && slices.Contains(s.Origins, u.Origin))
}

// wildcard ends a pattern that stands for many.
const wildcard = "*"

// coversConnection reports whether one of the patterns stands for the connection.
func coversConnection(patterns []string, connection string) bool {
	provider, name, ok := strings.Cut(connection, "/")
	if !ok || provider == "" || name == "" {
		return false
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		of, all := strings.CutSuffix(pattern, "/"+wildcard)
		return pattern == connection || all && of == provider
	})
}

// within returns s with what it leaves out taken from whole, and the name of the member
// by which s exceeds whole, "" if it does not.
func (s Scope) within(whole Scope) (narrowed Scope, exceeds string) {
	if s.Methods == nil {
		s.Methods = whole.Methods
	}
	if s.Paths == nil {
		s.Paths = whole.Paths
	}
	in := func(all []string) func(string) bool {
		return func(one string) bool { return all == nil || slices.Contains(all, one) }
	}
	switch {
	case !every(s.Connections, func(c string) bool { return coversConnection(whole.Connections, c) }):
		return Scope{}, "connection"
	case !every(s.Methods, in(whole.Methods)):
		return Scope{}, "methods"
	case !every(s.Paths, func(p string) bool { return whole.Paths == nil || coversPattern(whole.Paths, p) }):
		return Scope{}, "paths"
	case !every(s.Origins, in(whole.Origins)):
		return Scope{}, "origin"
	}
	return s, ""
}

func every(list []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(list, func(one string) bool { return !ok(one) })
}
