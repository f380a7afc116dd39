package seal

import (
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyring is a keyset ready for use. It is immutable: a change of keys makes
// another one, so that Seal and Open need no lock.
type keyring struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	primary uint32
	known   map[uint32]bool // ids of all keys
	at      copies          // where it is stored
}

func newKeyring(handle *keyset.Handle, at copies) (*keyring, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("use keyset: %w", err)
	}
	info := handle.KeysetInfo()
	ring := &keyring{
		handle:  handle,
		aead:    primitive,
		primary: info.GetPrimaryKeyId(),
		known:   make(map[uint32]bool),
		at:      at,
	}
	for _, k := range info.GetKeyInfo() {
		ring.known[k.GetKeyId()] = true
	}
	return ring, nil
}

// newKeyset returns a keyset of one random key.
func newKeyset() (*keyset.Handle, error) {
	handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	return handle, nil
}

// withPrimary returns the ring's keyset with a new key that seals from now on.
func (r *keyring) withPrimary() (*keyset.Handle, error) {
	manager := keyset.NewManagerFromHandle(r.handle)
	id, err := manager.Add(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("add a key: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return nil, fmt.Errorf("make the new key primary: %w", err)
	}
	return manager.Handle()
}

// without returns the ring's keyset without some of its keys, none of which
// may be the primary.
func (r *keyring) without(ids []uint32) (*keyset.Handle, error) {
	manager := keyset.NewManagerFromHandle(r.handle)
	for _, id := range ids {
		if err := manager.Delete(id); err != nil {
			return nil, fmt.Errorf("drop a key: %w", err)
		}
	}
	return manager.Handle()
}
