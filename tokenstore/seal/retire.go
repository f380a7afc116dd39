package seal

import (
	"context"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Retirement is what Retire has done with the older keys.
type Retirement struct {
	Dropped int // keys that the keyset no longer has
	InUse   int // keys that records are sealed under: call Reseal

	// Recent counts keys under which this Sealer has sealed a record that may not have
	// reached the backend yet, where Retire looks: a Put is under way, or its outcome is not
	// known, or Seal was used. In the last two cases they can be dropped after the next start.
	Recent int

	// Unreadable counts records of which it cannot be told what key they need.
	// While there are any, no key is dropped.
	Unreadable int
}

// Retire drops the older keys that no record needs any more from the keyset. Copies of the records they sealed
// cannot be read for ever after by who has the keyset as it is now. A backend may keep former
// states of its records for a while, that of the keyset too: until it has overwritten them, who has the
// backend's bytes and the encryption key can read both.
//
// If other processes share the backend, each of them must have called Reload
// after the last AddPrimary: a new record that one of them seals under an older
// key meanwhile is lost. It returns an error that wraps storage.ErrConflict,
// and has dropped nothing, if the keyset changes while it counts. Nor has it with an error that wraps storage.ErrDamaged: there may be
// records that cannot be found, and recovered, under any key.
func (s *Sealer) Retire(ctx context.Context) (Retirement, error) {
	if err := s.Reload(ctx); err != nil {
		return Retirement{}, fmt.Errorf("retire keys: %w", err)
	}
	ring := s.ring.Load()
	if len(ring.known) == 1 {
		return Retirement{}, nil // spare every start the walk
	}
	// Before the records are looked at. What is begun from here on is sealed under the
	// primary of ring, or of a newer one.
	recent := s.underWay()
	used, unreadable, err := s.keysInUse(ctx, ring)
	if err != nil {
		return Retirement{}, fmt.Errorf("retire keys: %w", err)
	}
	result, drop := judge(ring, used, recent)
	result.Unreadable = unreadable
	if len(drop) == 0 || unreadable > 0 {
		return result, nil
	}
	err = s.change(ctx, func(current *keyring) (*keyset.Handle, error) {
		if !current.at.same(ring.at) {
			return nil, fmt.Errorf("keyset: %w", storage.ErrConflict)
		}
		return current.without(drop)
	})
	if err != nil {
		return result, fmt.Errorf("retire keys: %w", err)
	}
	result.Dropped = len(drop)
	return result, nil
}

// judge sorts the keys of ring by whether they can go.
func judge(ring *keyring, used, recent map[uint32]bool) (result Retirement, drop []uint32) {
	for id := range ring.known {
		switch {
		case id == ring.primary:
		case used[id]:
			result.InUse++
		case recent[id]:
			result.Recent++
		default:
			drop = append(drop, id)
		}
	}
	return result, drop
}

// keysInUse reads from the headers which keys records need. A header may lie if it
// is damaged; then the key it names is unknown, or is kept for nothing.
func (s *Sealer) keysInUse(ctx context.Context, ring *keyring) (used map[uint32]bool, unreadable int, err error) {
	used = make(map[uint32]bool)
	err = s.walk(ctx, func(record storage.Record) error {
		h, _, err := parseHeader(record.Value)
		if err != nil || h.version != formatVersion || !ring.known[h.keyID] {
			unreadable++
			return nil //nolint:nilerr // it is counted
		}
		used[h.keyID] = true
		return nil
	})
	return used, unreadable, err
}
