package tokenstore

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of the two halves of an [ID], in bytes.
const (
	maxProviderName   = 64
	maxConnectionName = 200
)

// ID names a connection: the provider's name and the connection's own, written
// "provider/connection". Two IDs are the same only if both halves are, byte
// for byte; nothing is folded or normalised.
type ID struct {
	Provider string
	Name     string
}

// ParseID reads "provider/connection". It returns an error that wraps
// [ErrInvalidID] if s is not a valid ID.
func ParseID(s string) (ID, error) {
	provider, name, found := strings.Cut(s, "/")
	if !found {
		return ID{}, fmt.Errorf("%w: %q has no slash; write provider/connection, such as dropbox-demo/auth", ErrInvalidID, clip(s))
	}
	id := ID{Provider: provider, Name: name}
	return id, id.Validate()
}

// String returns "provider/connection".
func (id ID) String() string { return id.Provider + "/" + id.Name }

// clone returns id with memory of its own, to be kept. An ID that came with a request
// is a part of the request's first line, and would keep all of it.
func (id ID) clone() ID {
	text := id.String()
	return ID{Provider: text[:len(id.Provider)], Name: text[len(id.Provider)+1:]}
}

// Validate returns an error that wraps [ErrInvalidID] unless both halves are
// well formed. A provider's name is 1 to 64 lower-case letters, digits, "-" and "_",
// beginning with a letter or digit. A connection's name is 1 to 200 bytes of
// printable UTF-8 without white space and without any of / \ % ? # " < >, and is
// neither "." nor "..": it stands in URL paths, where these have a meaning.
func (id ID) Validate() error {
	if err := ValidateProviderName(id.Provider); err != nil {
		return err
	}
	switch {
	case id.Name == "":
		return fmt.Errorf("%w: the connection's name is empty", ErrInvalidID)
	case len(id.Name) > maxConnectionName:
		return fmt.Errorf("%w: the connection's name has more than %d bytes", ErrInvalidID, maxConnectionName)
	case id.Name == "." || id.Name == ".." || !utf8.ValidString(id.Name):
		return fmt.Errorf("%w: connection name %q", ErrInvalidID, id.Name)
	}
	for _, r := range id.Name {
		if !unicode.IsPrint(r) || unicode.IsSpace(r) || strings.ContainsRune(`/\%?#"<>`, r) {
			return fmt.Errorf("%w: the connection's name must not contain %q", ErrInvalidID, r)
		}
	}
	return nil
}

// ValidateProviderName returns an error that wraps [ErrInvalidID] unless name
// can be a provider's name, as told at [ID.Validate].
func ValidateProviderName(name string) error {
	if name == "" {
		return fmt.Errorf("%w: the provider's name is empty", ErrInvalidID)
	}
	if len(name) > maxProviderName {
		return fmt.Errorf("%w: the provider's name has more than %d bytes", ErrInvalidID, maxProviderName)
	}
	for i, r := range name {
		letterOrDigit := r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		if !letterOrDigit && (i == 0 || r != '-' && r != '_') {
			return fmt.Errorf("%w: provider name %q: use lower-case letters, digits, - and _, beginning with a letter or digit", ErrInvalidID, name)
		}
	}
	return nil
}

// clip keeps what a stranger sent from filling a log line.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
