package standin

import (
	"encoding/json"
	"net/http"
)

// oauthError is an error of the token or revocation endpoint (RFC 6749 section
// 5.2).
type oauthError struct {
	status    int
	challenge bool   // answer with WWW-Authenticate
	Code      string `json:"error"`
	Text      string `json:"error_description,omitempty"`
}

func badRequest(text string) *oauthError { return oauthFailure("invalid_request", text) }

func oauthFailure(code, text string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, Code: code, Text: text}
}

// invalidClient challenges a client that tried the Authorization header, as
// section 5.2 demands.
func invalidClient(challenge bool, text string) *oauthError {
	return &oauthError{status: http.StatusUnauthorized, challenge: challenge, Code: "invalid_client", Text: text}
}

func (e *oauthError) write(w http.ResponseWriter) {
	if e.challenge {
		w.Header().Set("WWW-Authenticate", `Basic realm="standin", charset="UTF-8"`)
	}
	writeJSON(w, e.status, e)
}

// writeJSON answers with v. No answer of an OAuth endpoint may be stored.
func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	body, err := json.Marshal(v)
	if err != nil {
		// Only our own types come here; that they marshal is tested.
		panic(err)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
