package standin

import (
	"net/http"
	"strings"
)

// union is a value of one of Dropbox's tagged unions.
type union map[string]any

// tag makes a union: tag("path", "not_found") is {".tag": "path", "path":
// {".tag": "not_found"}}.
func tag(first string, rest ...string) union {
	u := union{".tag": first}
	if len(rest) > 0 {
		u[first] = tag(rest[0], rest[1:]...)
	}
	return u
}

// apiError is an answer of the API other than 200. With a text it is plain
// text, as Dropbox answers bad input; else it is JSON.
type apiError struct {
	status  int
	text    string
	summary string
	body    union
}

// endpointError is a failure of the endpoint's own: 409.
func endpointError(tags ...string) *apiError {
	return endpointErrorBody(tag(tags[0], tags[1:]...), tags...)
}

// endpointErrorBody is endpointError where the body holds more than its tags.
func endpointErrorBody(body union, tags ...string) *apiError {
	return &apiError{status: http.StatusConflict, summary: strings.Join(tags, "/"), body: body}
}

// badInput is a request that does not fit the endpoint's arguments.
func badInput(text string) *apiError {
	return &apiError{status: http.StatusBadRequest, text: text}
}

// unauthorized is a bearer that does not do.
func unauthorized(body union, name string) *apiError {
	return &apiError{status: http.StatusUnauthorized, summary: name, body: body}
}

func (e *apiError) write(w http.ResponseWriter) {
	if e.text != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(e.status)
		_, _ = w.Write([]byte(e.text))
		return
	}
	writeJSON(w, e.status, map[string]any{"error_summary": e.summary + "/..", "error": e.body})
}
