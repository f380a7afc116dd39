package oauth

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// jwtClaims reads the claims of a JWT (RFC 7519) without verifying it, which is
// enough for a hint about its expiry and for a label. It returns nil if token
// is no JWT.
func jwtClaims(token string) map[string]field {
	header, rest, ok1 := strings.Cut(token, ".")
	claims, signature, ok2 := strings.Cut(rest, ".")
	if !ok1 || !ok2 || header == "" || strings.Contains(signature, ".") {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(claims, "="))
	if err != nil || !bytes.HasPrefix(payload, []byte("{")) {
		return nil
	}
	ms, whole := members(payload, true)
	if !whole {
		return nil
	}
	return gather(ms)
}
