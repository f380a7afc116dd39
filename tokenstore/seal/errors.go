package seal

import "errors"

// Errors of the key-encryption key.
var (
	// ErrInvalidKey is wrapped by every error about a text that is no key. The
	// text of such an error says what it looks like instead and what to do.
	ErrInvalidKey = errors.New("invalid encryption key")

	// ErrWrongKey is wrapped if the key is sound but is not the one that the
	// store's keyset is wrapped with.
	ErrWrongKey = errors.New("wrong encryption key")
)

// Errors of the keyset and of records. Damage is reported by errors that
// wrap storage.ErrDamaged.
var (
	// ErrKeysetMissing is wrapped if the storage has sealed records but no
	// keyset to open them with. A new keyset would hide the loss, so none is made.
	ErrKeysetMissing = errors.New("keyset is missing")

	// ErrNewerFormat is wrapped if a record or the keyset has a format version
	// that this program does not know.
	ErrNewerFormat = errors.New("written by a newer version")

	// ErrUnknownKey is wrapped, together with storage.ErrDamaged, if a record
	// names a key that the keyset in memory does not have. If other processes share
	// the storage, one of them may have added it: call Reload and try again.
	ErrUnknownKey = errors.New("sealed under an unknown key")

	// ErrBinding is wrapped if a record is to be sealed for no id, or for a
	// bucket that was not named when the Sealer was opened.
	ErrBinding = errors.New("cannot seal for this key")
)
