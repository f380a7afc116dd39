package adminapi

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

// Headers of the answer that is a backup. Its body is the database, sealed as it is on the disk.
const (
	HeaderRecords = "Token-Store-Records"         // how many records it has
	HeaderDamaged = "Token-Store-Damaged-Records" // of those, the ones that cannot be read
	HeaderDigest  = "Repr-Digest"                 // of the body, with sha-256 (RFC 9530)
)

const (
	digestPrefix = "sha-256=:"
	digestSuffix = ":"
)

// SetBackup says in the headers of an answer what its body will be.
func SetBackup(h http.Header, s *storage.Snapshot) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(s.Size, 10))
	h.Set(HeaderDigest, digestPrefix+base64.StdEncoding.EncodeToString(s.SHA256[:])+digestSuffix)
	h.Set(HeaderRecords, strconv.Itoa(s.Content.Records))
	h.Set(HeaderDamaged, strconv.Itoa(s.Content.Damaged))
}

// ReadBackup returns the backup that an answer is. Closing it closes the answer's body.
func ReadBackup(r *http.Response) (*storage.Snapshot, error) {
	s := &storage.Snapshot{ReadCloser: r.Body, Size: r.ContentLength}
	var errs [3]error
	s.Content.Records, errs[0] = strconv.Atoi(r.Header.Get(HeaderRecords))
	s.Content.Damaged, errs[1] = strconv.Atoi(r.Header.Get(HeaderDamaged))
	s.SHA256, errs[2] = parseDigest(r.Header.Get(HeaderDigest))
	if err := errors.Join(errs[:]...); err != nil || s.Size < 0 {
		return nil, fmt.Errorf("the answer is not a backup: its headers do not say what is in it: %w", errors.Join(err, r.Body.Close()))
	}
	return s, nil
}

func parseDigest(header string) (sum [sha256.Size]byte, err error) {
	text, prefixed := strings.CutPrefix(header, digestPrefix)
	text, suffixed := strings.CutSuffix(text, digestSuffix)
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || !prefixed || !suffixed || len(raw) != len(sum) {
		return sum, fmt.Errorf("header %s has no digest", HeaderDigest)
	}
	return [sha256.Size]byte(raw), nil
}
