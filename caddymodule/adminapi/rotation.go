package adminapi

import "github.com/caddy-tokenstore/caddy-tokenstore/tokenstore"

// Rotation tells how far it is to seal every record under a new key.
type Rotation struct {
	Running bool `json:"running"`
	// Checked is how many records were looked at, and Resealed how many of those were sealed anew.
	Checked  int `json:"checked"`
	Resealed int `json:"resealed"`
	// Unreadable is how many are damaged. While there are any, the former keys are kept.
	Unreadable int `json:"unreadable,omitempty"`
	// OlderKeys is how many former keys are still kept.
	OlderKeys int `json:"older_keys"`
	// Problem says, in words, why it makes no progress at present.
	Problem string `json:"problem,omitempty"`
}

// NewRotation returns what is told about r.
func NewRotation(r tokenstore.Rotation) Rotation {
	told := Rotation{
		Running: r.Running, Checked: r.Checked, Resealed: r.Resealed,
		Unreadable: r.Unreadable, OlderKeys: r.OlderKeys,
	}
	if r.Trouble != nil {
		told.Problem = "the storage does not take the records at present; Caddy's log tells why"
	}
	return told
}
