// Package jwt recognises callers by a signed JSON Web Token (RFC 7519) of an issuer that is configured: the settings
// of such a rule, the issuer's keys, and the verification.
//
// A token is believed if all of this holds:
//
//   - it is a JWS in compact form, signed with RS, PS or ES (256, 384, 512) or with EdDSA by a key that the issuer publishes now;
//   - iss is the issuer, letter by letter, and aud has one of the audiences of the rule;
//   - exp is there and has not passed; nbf and iat, if they are there, are not ahead by more than a minute;
//   - each claim that the rule requires has one of its values;
//   - the claim that names the caller is a string that can be shown;
//   - it is not bound to a key of its holder (cnf, as DPoP and mutual TLS have it): that proof cannot be checked here.
//
// What a token says about where its key is (jku, jwk, x5u, x5c) is ignored. All that needs no key is checked first, so that what is no
// token of the issuer reaches neither the network nor a public-key operation. The issuer is asked for its keys
// when they are needed for the first time, and then once in a while as long as tokens come. A key that is not among those known
// makes it ask at most once a minute.
//
// Signed tokens cannot be recalled: whoever has one may use it until it expires.
package jwt
