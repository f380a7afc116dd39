package standin

import "errors"

var (
	// ErrUnknownClient is returned by [Server.IssueGrant] if no client with that
	// ID is registered.
	ErrUnknownClient = errors.New("unknown client")

	// ErrUnknownScope is returned by [Server.IssueGrant] if a scope is not among
	// [Options.Scopes].
	ErrUnknownScope = errors.New("unknown scope")

	// ErrStarted is returned by [Server.Start] if the server was started or
	// closed before.
	ErrStarted = errors.New("already started")

	// ErrNoForm is returned by [Approve], [Submit] and [FirstForm] if a page has
	// no form.
	ErrNoForm = errors.New("page has no form")

	// ErrNoButton is returned by [Deny] and [Form.Values] if a form has no button
	// of that name and value.
	ErrNoButton = errors.New("form has no such button")
)
