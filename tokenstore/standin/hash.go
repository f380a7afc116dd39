package standin

import (
	"crypto/sha256"
	"encoding/hex"
)

// hashBlock is the size of the blocks that a content hash is made of.
const hashBlock = 4 << 20

// ContentHash returns Dropbox's content_hash of data: the SHA-256 of the
// concatenated SHA-256 sums of its blocks of 4 MiB, in hexadecimal.
func ContentHash(data []byte) string {
	whole := sha256.New()
	for len(data) > 0 {
		n := min(len(data), hashBlock)
		block := sha256.Sum256(data[:n])
		whole.Write(block[:])
		data = data[n:]
	}
	return hex.EncodeToString(whole.Sum(nil))
}
