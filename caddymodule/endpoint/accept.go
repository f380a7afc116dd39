package endpoint

import (
	"net/http"
	"strconv"
	"strings"
)

// prefersJSON reports whether the client would rather have application/json
// than text/plain (RFC 9110 section 12.5.1). Where it likes both the same, it prefers
// what it named in full over what only a wildcard covers; else it gets text.
func prefersJSON(h http.Header) bool {
	accept := strings.Join(h.Values("Accept"), ",")
	json, text := weigh(accept, "application", "json"), weigh(accept, "text", "plain")
	if json.q != text.q {
		return json.q > text.q
	}
	return json.q > 0 && json.specificity > text.specificity
}

// weight is how much a media type is wanted.
type weight struct {
	q           int // thousandths
	specificity int // of the range that says so: 0 none, 1 */*, 2 type/*, 3 type/subtype
}

// weigh finds the most specific range for a media type in an Accept header. A
// range that makes no sense is skipped.
func weigh(accept, mainType, subtype string) weight {
	var best weight
	for element := range strings.SplitSeq(accept, ",") {
		mediaRange, params, _ := strings.Cut(element, ";")
		main, sub, _ := strings.Cut(strings.TrimSpace(mediaRange), "/")
		var specificity int
		switch {
		case strings.EqualFold(main, mainType) && strings.EqualFold(sub, subtype):
			specificity = 3
		case strings.EqualFold(main, mainType) && sub == "*":
			specificity = 2
		case main == "*" && sub == "*":
			specificity = 1
		}
		if q, ok := quality(params); ok && specificity > best.specificity {
			best = weight{q: q, specificity: specificity}
		}
	}
	return best
}

// quality returns the q of a range's parameters in thousandths; 1000 if there is none.
func quality(params string) (q int, ok bool) {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return 0, false
		}
		return int(f * 1000), true
	}
	return 1000, true
}
