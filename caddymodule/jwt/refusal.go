package jwt

// refusal is why a token is not believed; it is empty if it is. It goes to the log at level debug, and
// holds nothing of the token.
type refusal string

const (
	refusedSize      refusal = "too large"
	refusedForm      refusal = "no JWT in compact form, or signed with another algorithm than RS, PS, ES or EdDSA"
	refusedHeader    refusal = "a kind of JWT that is no access or ID token (typ, cty or crit)"
	refusedClaims    refusal = "malformed claims"
	refusedIssuer    refusal = "another issuer (iss)"
	refusedAudience  refusal = "none of the audiences (aud)"
	refusedNoExpiry  refusal = "no expiry (exp)"
	refusedExpired   refusal = "expired (exp)"
	refusedEarly     refusal = "not valid yet (nbf or iat); compare the clocks"
	refusedBound     refusal = "bound to a key of its holder (cnf)"
	refusedRequire   refusal = "a required claim has another value"
	refusedName      refusal = "no name of the caller that can be shown"
	refusedSignature refusal = "not signed with a key of the issuer"
)
