package forward

import (
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/metrics"
)

// askForWhole changes a request so that its answer can be searched: not compressed, and no part of a body, which
// could be cut in the middle of a token. A server may ignore both headers, and a client has to live with that.
func askForWhole(h http.Header) {
	h["Accept-Encoding"] = []string{"identity"}
	delete(h, "Range")
	delete(h, "If-Range")
	delete(h, "A-Im") // RFC 3229: differences to an earlier answer, compressed perhaps
}

// scrub has the tokens that were sent blanked out of res, if that is a text. It refuses a text that cannot be
// searched.
func (t *Transport) scrub(res *http.Response, e *errand) error {
	if e.token == nil || e.body.ReadCloser == http.NoBody || res.StatusCode == http.StatusSwitchingProtocols || !isText(res.Header["Content-Type"]) {
		return nil
	}
	if res.StatusCode == http.StatusPartialContent || res.StatusCode == http.StatusIMUsed || res.Header["Im"] != nil || !isIdentity(res.Header["Content-Encoding"]) {
		return refuseUnsearchable()
	}
	delete(res.Header, "Accept-Ranges")
	tokens := []string{e.token.Value.Reveal()}
	if e.spent != nil {
		tokens = append(tokens, e.spent.Value.Reveal())
	}
	search := newFormSearch(tokens...)
	if len(search.forms) == 0 {
		return nil
	}
	e.body.ReadCloser = newScrubBody(e.body.ReadCloser, res.ContentLength, search, func() { t.echoed(e, metrics.EchoInBody) })
	return nil
}

// echoed tells of a token that was taken out of an answer.
func (t *Transport) echoed(e *errand, place string) {
	t.metrics().EchoRemoved(e.id.Provider, place)
	t.logger.Warn("the API's answer repeats the token, which is taken out", zap.Stringer("connection", e.id), zap.String("place", place))
}

// isText reports whether a body with these content types may be text. One that nobody calls anything is taken for text.
func isText(types []string) bool {
	for _, line := range types {
		media, _, _ := strings.Cut(line, ";")
		media = strings.ToLower(strings.TrimSpace(media))
		if !strings.Contains(media, "/") || strings.Contains(line, ",") {
			return true // it is none, or there are several
		}
		if isTextMedia(media) {
			return true
		}
	}
	return len(types) == 0
}

// textWords are parts of the names of text formats, among them application/x-amz-json-1.1, geo+json and vnd.yaml.
var textWords = [...]string{
	"json", "xml", "yaml", "toml", "csv", "text", "script", "graphql", "sql", "http", "form-urlencoded", "x-sh", "problem", "jwt", "jose",
}

func isTextMedia(media string) bool {
	major, minor, _ := strings.Cut(media, "/")
	switch major {
	case "text", "multipart", "message":
		return true
	}
	for _, word := range textWords {
		if strings.Contains(minor, word) {
			return true
		}
	}
	return false
}

// isIdentity reports whether a body with these content encodings is what it is.
func isIdentity(encodings []string) bool {
	for _, line := range encodings {
		for encoding := range strings.SplitSeq(line, ",") {
			if encoding = strings.TrimSpace(encoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
				return false
			}
		}
	}
	return true
}
