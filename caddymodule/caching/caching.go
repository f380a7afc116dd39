// Package caching says in the headers of an answer what caches may do with it.
package caching

import (
	"net/http"
	"strings"
)

// NoStore forbids every cache to keep the answer, HTTP/1.0 ones too.
func NoStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}

// VaryOn adds name, in its canonical form, to the Vary header, unless it is there.
func VaryOn(h http.Header, name string) {
	lines := h["Vary"]
	if len(lines) == 0 {
		h["Vary"] = []string{name}
		return
	}
	for _, line := range lines {
		for field := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(field), name) {
				return
			}
		}
	}
	h.Add("Vary", name)
}
