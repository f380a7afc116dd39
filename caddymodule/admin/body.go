package admin

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// readJSON reads a body that says it is JSON.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	// A form of a web page cannot have this type, so that without CORS, which
	// the admin API decides, no page can import a grant of its own or make a key.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, apiError(http.StatusUnsupportedMediaType, nil, "the Content-Type must be application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, apiError(http.StatusRequestEntityTooLarge, nil, fmt.Sprintf("the body has at most %d KiB", limit>>10))
	}
	if err != nil {
		return nil, apiError(http.StatusBadRequest, nil, "the body could not be read")
	}
	return body, nil
}
