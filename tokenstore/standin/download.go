package standin

import (
	"bytes"
	"net/http"
)

// download is /2/files/download. It serves ranges and conditions.
func (s *Server) download(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Path string `json:"path"`
		Rev  string `json:"rev"`
	}
	if fail := headerArg(r, &arg); fail != nil {
		return fail
	}
	if arg.Rev != "" {
		arg.Path = "rev:" + arg.Rev
	}
	_, n, fail := s.lookup(arg.Path, t)
	switch {
	case fail != nil:
		return fail
	case n.folder:
		return endpointError("path", "not_file")
	}
	result, err := headerSafe(fileOnly(n))
	if err != nil {
		return badInput("The metadata does not fit into a header.")
	}
	h := w.Header()
	h.Set("Dropbox-API-Result", result)
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+n.rev+`"`)
	http.ServeContent(w, r, "", n.serverModified, bytes.NewReader(n.data))
	return nil
}

// lookup finds what ref names in the account of t.
func (s *Server) lookup(ref string, t *accessToken) (string, *node, *apiError) {
	if fail := checkRef(ref); fail != nil {
		return "", nil, fail
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	key, n, ok := s.disk.of(t.accountID).find(ref)
	if !ok {
		return "", nil, endpointError("path", "not_found")
	}
	return key, n, nil
}
