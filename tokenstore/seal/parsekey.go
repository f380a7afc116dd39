package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// remedy ends each error about a key, since whoever reads it has a
// configuration to mend.
const remedy = "make a key with: openssl rand -base64 32"

// ParseKey reads a key of exactly 32 bytes, written in base64 (standard or URL
// alphabet, with or without padding) or as 64 hex digits. White space
// around it is ignored.
//
// There is no way to use a passphrase: guessing one is cheap for whoever has
// the storage. Errors wrap [ErrInvalidKey], say what the text looks like and
// what to do, and never show the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	if kind := foreignKind(text); kind != "" {
		return Key{}, fmt.Errorf("%w: %s; %s", ErrInvalidKey, kind, remedy)
	}
	raw, err := decodeKey(text)
	if err != nil {
		return Key{}, err
	}
	if bytes.Count(raw, raw[:1]) == KeySize {
		return Key{}, fmt.Errorf("%w: all its bytes are the same, as in an example; %s", ErrInvalidKey, remedy)
	}
	return newKey(raw), nil
}

// foreignKind recognises what people mistake for a key. It returns the empty
// string if the text might be one.
func foreignKind(text string) string {
	switch {
	case text == "":
		return "it is empty"
	case !isText(text):
		return "it is raw bytes, not text: encode them with base64"
	case strings.HasPrefix(text, "/") && len(text) < 43: // a key has 43 characters or more
		return "it is too short, and looks like the path of a file; for the key that a file has, write {file./path}"
	case strings.Contains(text, "-----BEGIN"):
		return "it is a PEM block; a certificate's or TLS key does not serve here"
	case hasPrefixFold(text, "AGE-SECRET-KEY-"), hasPrefixFold(text, "age1"):
		return "it is an age key"
	case hasPrefixFold(text, "ssh-"), hasPrefixFold(text, "ecdsa-"):
		return "it is an SSH key"
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"`):
		return "it is JSON, perhaps a JWK or a Tink keyset"
	case strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}"):
		return "it is a placeholder that was not replaced: the variable or file it names is not there"
	}
	return ""
}

// isText keeps binary files from being taken for a passphrase.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && !unicode.IsSpace(r)
	})
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

func decodeKey(text string) ([]byte, error) {
	// Digits first: 64 hex digits are base64 as well, of 48 other bytes.
	if raw, err := hex.DecodeString(text); err == nil {
		return rightSize(raw, "hex digits")
	}
	encoding := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if !strings.Contains(text, "=") {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	// The decoder skips line breaks; a key in two lines is two keys, or half
	// of something else.
	raw, err := encoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsFunc(text, unicode.IsSpace) {
		return nil, fmt.Errorf("%w: it is neither base64 nor hex digits, perhaps a passphrase or a mistyped key; %s", ErrInvalidKey, remedy)
	}
	return rightSize(raw, "base64")
}

func rightSize(raw []byte, notation string) ([]byte, error) {
	switch {
	case len(raw) < KeySize:
		return nil, fmt.Errorf("%w: it is too short: as %s it has %d bytes, not %d (a passphrase is no key); %s",
			ErrInvalidKey, notation, len(raw), KeySize, remedy)
	case len(raw) > KeySize:
		return nil, fmt.Errorf("%w: it is too long: as %s it has %d bytes, not %d; %s",
			ErrInvalidKey, notation, len(raw), KeySize, remedy)
	}
	return raw, nil
}
