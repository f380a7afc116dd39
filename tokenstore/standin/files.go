package standin

import (
	"net/http"
	"strings"
)

// getMetadata is /2/files/get_metadata.
func (s *Server) getMetadata(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Path           string `json:"path"`
		IncludeDeleted bool   `json:"include_deleted"`
	}
	if fail := bodyArg(r, &arg); fail != nil {
		return fail
	}
	_, n, fail := s.lookup(arg.Path, t)
	if fail != nil && fail.text == "" && arg.IncludeDeleted {
		n = s.tombstone(arg.Path, t)
	}
	if n == nil {
		return fail
	}
	writeJSON(w, http.StatusOK, n.metadata())
	return nil
}

// tombstone returns what is left at p, or nil.
func (s *Server) tombstone(p string, t *accessToken) *node {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	return s.disk.of(t.accountID).nodes[strings.ToLower(p)]
}

// deleteV2 is /2/files/delete_v2. A folder goes with all that is in it.
func (s *Server) deleteV2(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Path      string `json:"path"`
		ParentRev string `json:"parent_rev"`
	}
	if fail := bodyArg(r, &arg); fail != nil {
		return fail
	}
	if fail := checkRef(arg.Path); fail != nil {
		return fail
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	files := s.disk.of(t.accountID)
	key, n, ok := files.find(arg.Path)
	switch {
	case !ok:
		return endpointError("path_lookup", "not_found")
	case arg.ParentRev != "" && n.rev != arg.ParentRev:
		return endpointError("path_write", "conflict", "file")
	}
	for _, k := range append(files.below(key, true), key) {
		s.disk.bytes -= files.bury(k)
	}
	writeJSON(w, http.StatusOK, map[string]any{"metadata": n.metadata()})
	return nil
}

// bury leaves a tombstone at key and returns how many bytes that frees.
func (t *tree) bury(key string) int64 {
	n, ok := t.live(key)
	if !ok {
		return 0
	}
	t.put(key, node{id: n.id, display: n.display, deleted: true})
	return int64(len(n.data))
}
