package seal

import (
	"encoding/binary"
	"fmt"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// formatVersion is the version of both formats in the package's documentation.
const formatVersion = 1

// headerSize is the length of what stands before the Tink ciphertext.
const headerSize = 1 + 8

// tinkPrefixSize is the length of Tink's own header: a byte 1, then the id of
// the key.
const tinkPrefixSize = 1 + 4

// Domains keep a sealed record from passing for a wrapped keyset and the other
// way round.
const (
	recordDomain = "caddy-tokenstore/record"
	keysetDomain = "caddy-tokenstore/keyset"
)

// Binding is what a sealed record belongs to. It opens nowhere else.
type Binding struct {
	Bucket string
	ID     string

	// Generation is the generation of the connection in the record. It stands
	// in the header in plain, so that Sealer.Open can return it.
	Generation uint64
}

// associatedData is what the ciphertext is bound to besides its key.
func (b Binding) associatedData() []byte {
	return lengthPrefixed(recordDomain, string([]byte{formatVersion}), b.Bucket, b.ID,
		string(binary.BigEndian.AppendUint64(nil, b.Generation)))
}

// lengthPrefixed joins fields so that no two lists give the same bytes: ("a",
// "bc") must differ from ("ab", "c").
func lengthPrefixed(fields ...string) []byte {
	size := 0
	for _, f := range fields {
		size += 4 + len(f)
	}
	out := make([]byte, 0, size)
	for _, f := range fields {
		out = binary.BigEndian.AppendUint32(out, uint32(len(f)))
		out = append(out, f...)
	}
	return out
}

// header is what a sealed record tells without a key. None of it is to be
// believed before the record has been opened.
type header struct {
	version    byte
	generation uint64
	keyID      uint32
}

// parseHeader splits a sealed record. It returns an error that wraps
// storage.ErrDamaged if it cannot be one, of any version.
func parseHeader(sealed []byte) (h header, ciphertext []byte, err error) {
	if len(sealed) < headerSize+tinkPrefixSize {
		return header{}, nil, fmt.Errorf("%w: %d bytes are too few for a sealed record", storage.ErrDamaged, len(sealed))
	}
	h.version = sealed[0]
	if h.version == 0 { // never written; typical of a zeroed page
		return header{}, nil, fmt.Errorf("%w: not a sealed record", storage.ErrDamaged)
	}
	h.generation = binary.BigEndian.Uint64(sealed[1:])
	ciphertext = sealed[headerSize:]
	h.keyID = binary.BigEndian.Uint32(ciphertext[1:])
	return h, ciphertext, nil
}

func newHeader(generation uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{formatVersion}, generation)
}
