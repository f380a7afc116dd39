package query

import (
	"net/url"
	"slices"
)

// Bounds of a query, or of a form, that [Single] reads.
const (
	MaxLength = 16 << 10
	MaxValue  = 4 << 10
)

// Single reads the parameters of these names, each of which may be there once. Others are ignored, as servers may add what
// they like. ok is false if the query is broken or too long, or if a named parameter is too long or comes twice.
func Single(raw string, names ...string) (params map[string]string, ok bool) {
	if len(raw) > MaxLength {
		return nil, false
	}
	all, err := url.ParseQuery(raw)
	if err != nil {
		return nil, false
	}
	params = make(map[string]string, len(names))
	for name, values := range all {
		if !slices.Contains(names, name) {
			continue
		}
		if len(values) != 1 || len(values[0]) > MaxValue {
			return nil, false
		}
		params[name] = values[0]
	}
	return params, true
}
