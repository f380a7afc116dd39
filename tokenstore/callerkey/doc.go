// Package callerkey keeps the keys by which callers are known, and signs grants for web pages.
//
// A key is a long-lived secret of a program. It has a name and a [Scope]: which connections it is
// for, and with which methods, on which paths, from which origins. Only the SHA-256 of the
// secret is kept; [Keys.Create] returns the secret once and nobody can get it again.
//
// A grant is what a program asks for with its key and gives to a page of a browser: it is bound to one
// origin and one connection, lives for minutes, and dies with its key. Nothing of it is stored.
//
// # Formats
//
//	key    tsk_<id>_<secret>
//	grant  tsg_<payload>.<mac>
//
// The id is 10 characters of lower-case base32, which is not secret; the secret is 32 random bytes in 52 of
// them, so that a double click selects all of a key. The payload is JSON, the mac is HMAC-SHA-256 over all in
// front of the dot; both are base64url without padding. A grant has at most [MaxGrant] bytes.
//
// # Where they are
//
// All keys are in memory, a few hundred bytes each, at most [MaxKeys] of them. [Keys.Find] reads them without
// a lock; what another process changes is learnt through the backend's Watch. The records are in [Bucket]:
// one for each key, and one for the random key that signs grants.
//
// # Caveats
//
// Whoever has a key, or a grant and a program that can send any Origin, may use it until it expires or is
// revoked. Within one process a revoked key is refused at once; other processes at the same storage refuse it
// when they learn of it.
//
// A path is compared as it is sent, escaped. What an API itself makes of equal-looking paths
// is not known here, so a path with dot segments is refused where paths are restricted, however it is escaped.
package callerkey
