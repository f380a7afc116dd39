package headers

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Filter says which headers pass in one direction. It is immutable and safe for concurrent use.
type Filter struct {
	names    map[string]bool // canonical
	prefixes []string        // canonical
	guarded  func(name string) bool
}

// RequestFilter returns what lets pass, of a request to an API, what always does and what r lists. r must be valid.
func (r Rules) RequestFilter() *Filter {
	privileged := map[string]bool{}
	for _, name := range r.Privileged {
		privileged[http.CanonicalHeaderKey(name)] = true
	}
	return newFilter(func(name string) bool { return privileged[name] || guardedRequest(name) }, standardRequest, r.Request)
}

// ResponseFilter returns what lets pass, of an API's answer, what always does and what r lists. r must be valid.
func (r Rules) ResponseFilter() *Filter {
	return newFilter(guardedResponse, standardResponse, r.Response)
}

func newFilter(guarded func(string) bool, lists ...[]string) *Filter {
	f := &Filter{names: map[string]bool{}, guarded: guarded}
	for _, list := range lists {
		for _, entry := range list {
			name, prefix, err := parse(entry)
			switch {
			case err != nil: // it is not valid, and nothing passes for it
			case prefix:
				f.prefixes = append(f.prefixes, name)
			default:
				f.names[name] = true
			}
		}
	}
	return f
}

// Passes reports whether a header passes. name is as a map of headers has it; one that is not in canonical form
// passes if its canonical form does.
func (f *Filter) Passes(name string) bool {
	switch name {
	case "Accept", "Accept-Encoding", "Accept-Language", "Content-Length", "Content-Type", "Date", "User-Agent":
		return true // nearly all have them: spare them the look-up
	case "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto": // as a proxy has just added them
		return f.names[name]
	}
	return f.names[name] || f.passesRarely(name)
}

// passesRarely is for names that are not listed as they are.
func (f *Filter) passesRarely(name string) bool {
	if canonical := http.CanonicalHeaderKey(name); canonical != name {
		if f.names[canonical] {
			return true
		}
		name = canonical
	}
	for _, prefix := range f.prefixes {
		if len(name) > len(prefix) && strings.HasPrefix(name, prefix) {
			return plain(name) && !f.guarded(name)
		}
	}
	return false
}

// Lists reports whether f lists a name, in canonical form, as it is.
func (f *Filter) Lists(name string) bool { return f.names[name] }

// Names returns the names that are listed as they are, in canonical form and sorted. whole is false if beginnings of
// names are listed too.
func (f *Filter) Names() (names []string, whole bool) {
	return slices.Sorted(maps.Keys(f.names)), len(f.prefixes) == 0
}
