package standin

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"unicode/utf8"
)

// maxArg bounds the arguments of a call.
const maxArg = 1 << 20

// headerArg reads the arguments of a call whose body is content: they are JSON
// in the Dropbox-API-Arg header, in ASCII with \u escapes or in plain UTF-8, or
// in the query parameter arg.
func headerArg(r *http.Request, arg any) *apiError {
	text := r.Header.Get("Dropbox-API-Arg")
	if text == "" {
		text = r.URL.Query().Get("arg")
	}
	if text == "" {
		return badInput("The arguments are missing: there is no Dropbox-API-Arg header.")
	}
	return decodeArg([]byte(text), arg)
}

// bodyArg reads the arguments of a call whose body is its arguments.
func bodyArg(r *http.Request, arg any) *apiError {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	// The other type lets a browser do without a preflight; Dropbox documents it.
	if err != nil || mediaType != "application/json" && mediaType != "text/plain" {
		return badInput("The Content-Type must be application/json.")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxArg+1))
	if err != nil || len(body) > maxArg {
		return badInput("The arguments could not be read, or are too large.")
	}
	return decodeArg(body, arg)
}

func decodeArg(text []byte, arg any) *apiError {
	// encoding/json would replace bad bytes, and the file would get another name.
	if !utf8.Valid(text) {
		return badInput("The arguments are not UTF-8.")
	}
	if err := json.Unmarshal(text, arg); err != nil {
		return badInput("The arguments are not the JSON that this call takes.")
	}
	return nil
}

// optionalTag reads a union that may be written as a mere string.
type optionalTag struct {
	Tag    string `json:".tag"`
	Update string `json:"update"` // of a write mode
}

func (o *optionalTag) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &o.Tag)
	}
	type plain optionalTag
	return json.Unmarshal(text, (*plain)(o))
}

// headerSafe writes v as JSON that fits into a header: all but printable ASCII
// is escaped.
func headerSafe(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return escapeJSON(string(text)), nil
}
