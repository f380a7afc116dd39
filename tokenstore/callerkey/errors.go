package callerkey

import "errors"

// Errors of this package. Those of the storage are wrapped as they are.
var (
	// ErrInvalid is wrapped if a name, a scope or a time cannot be; the text says
	// what is wrong and what to write instead.
	ErrInvalid = errors.New("invalid")

	// ErrExists is wrapped if there is a key of that name, even one that has expired.
	ErrExists = errors.New("there is a key of that name; revoke it first, or choose another name")

	// ErrNotFound is wrapped if there is no key of that name.
	ErrNotFound = errors.New("there is no key of that name")

	// ErrTooMany is wrapped if there are MaxKeys keys.
	ErrTooMany = errors.New("there are too many keys; revoke those that nobody uses")

	// ErrRefused is wrapped if a grant is asked for by what is no valid key, or
	// for more than the key itself may do.
	ErrRefused = errors.New("refused")

	// ErrDamaged is wrapped by what Problems tells of a record that cannot be read, or may be one that was revoked.
	ErrDamaged = errors.New("caller key's record is damaged")
)
