package callerkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Bucket is where the records are. The backend has to seal it.
const Bucket = "callerkeys"

// The ids of the records.
const (
	idKeys   = "key/"    // and the key's name
	idSigner = "signing" // the key that signs grants
)

// recordVersion is the version of both encodings.
const recordVersion = 1

// record is what is kept of a key, beside its name, which is in the record's id. That
// and all of this is bound by the seal.
type record struct {
	Version   int       `json:"v"`
	ID        string    `json:"id"`
	Digest    []byte    `json:"sha256"`
	Scope     Scope     `json:"scope"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// signerRecord is what is kept of the key that signs grants.
type signerRecord struct {
	Version int    `json:"v"`
	Key     []byte `json:"key"`
}

// errDoubtful is of a key that may have been revoked since: what is damaged can lead to a page of before.
var errDoubtful = errors.New("it was found where the database is damaged, and may be one that was revoked: " +
	"recover the database, and revoke the key then, or leave it if you know that it is in use")

var errEncoding = errors.New("it is not the encoding of one that this release knows")

func (e *entry) encode() ([]byte, error) {
	return json.Marshal(record{
		Version: recordVersion, ID: e.key.ID, Digest: e.digest[:], Scope: e.key.Scope,
		CreatedAt: e.key.CreatedAt, ExpiresAt: e.key.ExpiresAt,
	})
}

// decodeKey makes an entry of a stored record. A record that cannot be read, or that has
// members which this release does not know and which may restrict the key, gives one that nobody can use.
func decodeKey(r storage.Record) *entry {
	name := strings.TrimPrefix(r.Key.ID, idKeys)
	e := &entry{key: Key{Name: name}, revision: r.Revision}
	var rec record
	err := errors.New("the storage cannot read or open it")
	if r.Value != nil {
		err = decodeStrictly(r.Value, &rec)
	}
	if err == nil {
		err = rec.validate()
	}
	if err == nil && r.Doubtful {
		err = errDoubtful
	}
	if err != nil {
		e.key.Damaged = true
		e.problem = fmt.Errorf("caller key %q: %w: %w", name, ErrDamaged, err)
		return e
	}
	e.key = Key{Name: name, ID: rec.ID, Scope: rec.Scope, CreatedAt: rec.CreatedAt, ExpiresAt: rec.ExpiresAt}
	copy(e.digest[:], rec.Digest)
	return e
}

func (r record) validate() error {
	if r.Version != recordVersion || len(r.ID) != idLength || !isBase32(r.ID) || len(r.Digest) != sha256.Size {
		return errEncoding
	}
	return r.Scope.validate()
}

// decodeStrictly refuses unknown members and what follows the value. Its errors hold
// nothing of what was read.
func decodeStrictly(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return errEncoding
	}
	if _, err := dec.Token(); err != io.EOF {
		return errEncoding
	}
	return nil
}
