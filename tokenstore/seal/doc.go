// Package seal encrypts records on their way from the engine to storage, once
// for all backends. There is no way to store a record in plain.
//
// # Keys
//
// Two layers of keys are in use. Records are sealed under the keys of a
// keyset, which is random, belongs to one store and never leaves it. The keyset
// itself is stored in the backend (bucket [MetaBucket], id [KeysetID]), and once more in the bucket [SpareBucket],
// wrapped by the key-encryption key, a [Key] that the operator provides. So the
// operator's key can be changed by writing these two records ([Sealer.Rewrap]), and the
// keys of records by sealing them anew one by one ([Sealer.AddPrimary],
// [Sealer.Reseal], [Sealer.Retire]).
//
// Records are sealed with XAES-256-GCM, of the AES-256-GCM family: it derives
// an AES key for each record from 96 random bits and uses 96 more as the nonce.
// With plain AES-256-GCM, random nonces are safe for about 2^32 records under
// one key, a number that somebody would have to count; with 192 bits nobody has
// to.
//
// # What is bound
//
// A sealed record opens only in the bucket, under the id and with the
// generation it was sealed for. Whoever can write to the storage can delete
// records and put back older ones (bytes of the same bucket and id), but cannot
// alter one, or make one connection use the tokens of another. It needs no
// binding to the store, since each store has keys of its own.
//
// # Formats
//
// A sealed record is
//
//	format version (1 byte, 1) | generation (8 bytes, big-endian) | Tink ciphertext
//
// and the associated data are these fields, each behind its length in 4 bytes
// (big-endian): "caddy-tokenstore/record", the format version (1 byte), the
// bucket, the id, the generation (8 bytes, big-endian).
//
// The wrapped keyset is
//
//	format version (1 byte, 1) | key check (16 bytes) | Tink encrypted keyset | SHA-256 of all before
//
// The copy in SpareBucket is its length (4 bytes, big-endian), the same, and zeros: it is long, so that a
// backend that keeps several small records in a page has it elsewhere than the first.
//
// The key check is derived from the key-encryption key and tells a wrong key;
// the checksum tells damage without any key. So a typing error in the
// configuration is never reported as a broken store, nor the other way round.
//
// # Two copies of the keyset
//
// A keyset that is lost makes every record useless. So one copy is enough: if the first is damaged or missing, the second one
// is used, and [Open] mends what it found. Nothing is mended, nor written, with a key that opens
// neither.
//
// # Caveats
//
// A Sealer that shares its backend with other processes learns of their new
// keys when [Sealer.Reload] is called; until then it cannot open what they have
// sealed since ([ErrUnknownKey]).
//
// Keys and plaintext live in ordinary memory: the garbage collector may copy
// them, and nothing here can wipe those copies.
package seal
