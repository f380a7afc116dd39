package standin

import (
	"bytes"
	"io"
	"net/http"
)

// maxContent is how much one request may upload.
const maxContent = 150 << 20

// upload is /2/files/upload.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		commitInfo
		ContentHash string `json:"content_hash"`
	}
	if fail := headerArg(r, &arg); fail != nil {
		return fail
	}
	if fail := arg.check(); fail != nil {
		return fail
	}
	data, fail := s.readContent(r, arg.ContentHash)
	if fail != nil {
		return fail
	}
	n, tags := s.disk.write(t.accountID, arg.commitInfo, data, s.opts.Now())
	if tags != nil {
		s.disk.release(int64(len(data)))
		body := tag("path")
		body["reason"] = tag(tags[0], tags[1:]...)
		body["upload_session_id"] = ""
		return endpointErrorBody(body, append([]string{"path"}, tags...)...)
	}
	writeJSON(w, http.StatusOK, fileOnly(n))
	return nil
}

// fileOnly is the metadata of a file where nothing else can be: there is no
// tag then.
func fileOnly(n *node) union {
	u := n.metadata()
	delete(u, ".tag")
	return u
}

// readContent reads the body of r and reserves room for it.
func (s *Server) readContent(r *http.Request, hash string) ([]byte, *apiError) {
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, maxContent)))
	}
	n, err := io.Copy(&body, io.LimitReader(r.Body, maxContent+1))
	switch {
	case err != nil:
		return nil, badInput("The content could not be read.")
	case n > maxContent:
		return nil, endpointError("payload_too_large")
	case hash != "" && hash != ContentHash(body.Bytes()):
		return nil, endpointError("content_hash_mismatch")
	case !s.disk.reserve(n):
		return nil, &apiError{
			status:  http.StatusConflict,
			summary: "path/insufficient_space",
			body:    union{".tag": "path", "reason": tag("insufficient_space"), "upload_session_id": ""},
		}
	}
	return body.Bytes(), nil
}
