package callerkey

import "strings"

// Redact returns text with each key and each grant in it cut down to its prefix, for logs: keys end up in places that
// nobody thought of.
func Redact(text string) string {
	var out strings.Builder
	for {
		at := firstOf(text)
		if at < 0 {
			break
		}
		out.WriteString(text[:at+len(Prefix)])
		out.WriteString("REDACTED")
		text = strings.TrimLeftFunc(text[at+len(Prefix):], isOfKey)
	}
	if out.Len() == 0 {
		return text
	}
	out.WriteString(text)
	return out.String()
}

// firstOf returns where the first key or grant begins, -1 if there is none.
func firstOf(text string) int {
	key, grant := strings.Index(text, Prefix), strings.Index(text, GrantPrefix)
	if key < 0 || grant >= 0 && grant < key {
		return grant
	}
	return key
}

// isOfKey reports whether a key or a grant may have c in it.
func isOfKey(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}
