package jwt

import (
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// maxToken bounds what is looked at. Tokens with many groups reach 8 KiB, where most servers refuse their header.
const maxToken = 16 << 10

// algorithms are those whose verification key is public. With none or HS256, whoever knows the public key could sign
// (RFC 8725 section 2.1).
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512,
	jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512,
	jose.EdDSA,
}

// token is a JWT in parts. Nothing in it is believed before its signature is verified.
type token struct {
	signed *jose.JSONWebSignature
	keyID  string
	alg    string
	claims claims
}

// parse takes raw apart, which has maxToken bytes at most.
func parse(raw string) (*token, refusal) {
	signed, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return nil, refusedForm
	}
	header := signed.Signatures[0].Header
	if !isToken(header.ExtraHeaders) {
		return nil, refusedHeader
	}
	t := &token{signed: signed, keyID: header.KeyID, alg: header.Algorithm}
	// This decoder, unlike that of encoding/json, tells upper from lower case and refuses duplicate members: two readers
	// of a token have to see the same claims.
	payload := signed.UnsafePayloadWithoutVerification()
	if json.Unmarshal(payload, &t.claims) != nil || json.Unmarshal(payload, &t.claims.all) != nil {
		return nil, refusedClaims
	}
	return t, ""
}

// isToken keeps out what issuers sign for other purposes with the same key, such as logout tokens and DPoP proofs (RFC 8725
// section 3.11), and what nests or extends a JWS in a way that is not understood here.
func isToken(header map[jose.HeaderKey]any) bool {
	for _, name := range []jose.HeaderKey{"cty", "crit", "b64"} {
		if _, there := header[name]; there {
			return false
		}
	}
	value, there := header[jose.HeaderType]
	if !there {
		return true
	}
	typ, _ := value.(string)
	switch strings.TrimPrefix(strings.ToLower(typ), "application/") {
	case "jwt", "at+jwt": // RFC 7519 section 5.1, RFC 9068 section 2.1
		return true
	}
	return false
}
