package seal

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"

	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// wrapKeyset encrypts a keyset under a key-encryption key.
func wrapKeyset(handle *keyset.Handle, kek Key) ([]byte, error) {
	// A random nonce is fine here: a keyset is wrapped a few times in its life.
	wrapper, err := aeadsubtle.NewAESGCM(kek.derive("wrap"))
	if err != nil {
		return nil, fmt.Errorf("wrap keyset: %w", err)
	}
	check := kek.check()
	wrapped := bytes.NewBuffer(append([]byte{formatVersion}, check...))
	err = handle.WriteWithAssociatedData(keyset.NewBinaryWriter(wrapped), wrapper, keysetAssociatedData(check))
	if err != nil {
		return nil, fmt.Errorf("wrap keyset: %w", err)
	}
	sum := sha256.Sum256(wrapped.Bytes())
	return append(wrapped.Bytes(), sum[:]...), nil
}

// unwrapKeyset undoes wrapKeyset. Its errors wrap storage.ErrDamaged,
// ErrNewerFormat or ErrWrongKey. Only bytes that are surely as they were
// written can be the fault of the key.
func unwrapKeyset(value []byte, kek Key) (*keyset.Handle, error) {
	check, encrypted, err := parseWrapped(value)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(check, kek.check()) != 1 {
		return nil, fmt.Errorf("%w: the key given has the fingerprint %s, the store needs the one with %s",
			ErrWrongKey, kek.Fingerprint(), fingerprint(check))
	}
	wrapper, err := aeadsubtle.NewAESGCM(kek.derive("wrap"))
	if err != nil {
		return nil, fmt.Errorf("unwrap keyset: %w", err)
	}
	handle, err := keyset.ReadWithAssociatedData(
		keyset.NewBinaryReader(bytes.NewReader(encrypted)), wrapper, keysetAssociatedData(check))
	if err != nil {
		return nil, fmt.Errorf("%w: the keyset does not open though the key is right", storage.ErrDamaged)
	}
	return handle, nil
}

// parseWrapped splits a wrapped keyset after comparing its checksum.
func parseWrapped(value []byte) (check, encrypted []byte, err error) {
	body := len(value) - sha256.Size
	if body < 1+checkSize || value[0] == 0 {
		return nil, nil, fmt.Errorf("%w: not a keyset", storage.ErrDamaged)
	}
	// A newer format is one that is sound as what it claims to be, which
	// cannot be known; but one that is sound as ours has a damaged version byte.
	asOurs := slices.Concat([]byte{formatVersion}, value[1:body])
	sum := sha256.Sum256(asOurs)
	sound := bytes.Equal(sum[:], value[body:])
	switch ours := value[0] == formatVersion; {
	case ours && sound:
		return value[1 : 1+checkSize], value[1+checkSize : body], nil
	case !ours && !sound:
		return nil, nil, fmt.Errorf("keyset has the format version %d: %w; use that version, or restore a backup", value[0], ErrNewerFormat)
	}
	return nil, nil, fmt.Errorf("%w: checksum of the keyset is wrong; restore a backup", storage.ErrDamaged)
}

func keysetAssociatedData(check []byte) []byte {
	return lengthPrefixed(keysetDomain, string([]byte{formatVersion}), MetaBucket, KeysetID, string(check))
}
