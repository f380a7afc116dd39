package standin

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxForm bounds the body of a request to the OAuth server.
const maxForm = 64 << 10

// bodyType is what the bodies of token and revocation requests must be.
func (s *Server) bodyType() string {
	if s.opts.JSONBody {
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

// parse reads parameters from a body of that type.
func (s *Server) parse(body []byte) (url.Values, error) {
	if !s.opts.JSONBody {
		return url.ParseQuery(string(body))
	}
	var members map[string]string
	err := json.Unmarshal(body, &members)
	values := make(url.Values)
	for name, value := range members {
		values.Set(name, value)
	}
	return values, err
}

// readForm fills r.PostForm. It refuses a body of another type, and parameters
// that come twice (RFC 6749 section 3.2).
func (s *Server) readForm(r *http.Request) *oauthError {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != s.bodyType() {
		return badRequest("the body must be " + s.bodyType())
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return badRequest("the body could not be read, or is too large")
	}
	if r.PostForm, err = s.parse(body); err != nil {
		return badRequest("the body is malformed")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return badRequest("a parameter is repeated")
		}
	}
	return nil
}

// peekForm reads the parameters in the body of r as far as they go, and leaves
// the body as it was, its errors included, for the handler to judge.
func (s *Server) peekForm(w http.ResponseWriter, r *http.Request) url.Values {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	form, _ := s.parse(body)
	return form
}

// failing is the end of a body that could not be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}
