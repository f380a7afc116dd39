package adminapi

import (
	"errors"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Rotation tells how far it is to seal every record under a new key.
type Rotation struct {
	Running bool `json:"running"`
	// Checked is how many records were looked at, and Resealed how many of those were sealed anew.
	Checked  int `json:"checked"`
	Resealed int `json:"resealed"`
	// Unreadable is how many cannot be opened. While there are any, the former keys are kept.
	Unreadable int `json:"unreadable,omitempty"`
	// OlderKeys is how many former keys are still kept.
	OlderKeys int `json:"older_keys"`
	// Problem says, in words, why it makes no progress at present; if it has ended, why it is not complete.
	Problem string `json:"problem,omitempty"`
}

// KeysetUnwritable is told of a rotation that could not begin, since damage does not let its key be saved.
const KeysetUnwritable = "the database is damaged where its keys are, so the new key could not be saved, and is not used; " +
	"save what is sound with: caddy token-store recover <new file>, while Caddy is stopped, and rotate the key when Caddy has started with that"

// NewRotation returns what is told about r.
func NewRotation(r tokenstore.Rotation) Rotation {
	told := Rotation{
		Running: r.Running, Checked: r.Checked, Resealed: r.Resealed,
		Unreadable: r.Unreadable, OlderKeys: r.OlderKeys,
	}
	switch {
	case errors.Is(r.Trouble, storage.ErrDamaged) && r.OlderKeys == 0:
		told.Problem = KeysetUnwritable
	case errors.Is(r.Trouble, storage.ErrDamaged):
		told.Problem = "part of the database is damaged, so there may be records that were not found, or could not be sealed anew, and the former keys are kept for them; " +
			"save what is sound with: caddy token-store recover <new file>, while Caddy is stopped; the rotation goes on when Caddy has started with that"
	case r.Trouble != nil:
		told.Problem = "the storage does not take the records at present; Caddy's log tells why"
	}
	return told
}
