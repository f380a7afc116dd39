package standin

import "net/http"

// sessionFinish is /2/files/upload_session/finish.
func (s *Server) sessionFinish(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Cursor      cursor     `json:"cursor"`
		Commit      commitInfo `json:"commit"`
		ContentHash string     `json:"content_hash"`
	}
	if fail := headerArg(r, &arg); fail != nil {
		return fail
	}
	if fail := arg.Commit.check(); fail != nil {
		return fail
	}
	u, ok := s.sessions.find(arg.Cursor.SessionID, t.accountID)
	if !ok {
		return lookupFailed(tag("not_found"))
	}
	data, fail := s.readContent(r, arg.ContentHash)
	if fail != nil {
		return fail
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if fail := u.takeLast(arg.Cursor.Offset, data); fail != nil {
		s.disk.release(int64(len(data)))
		return fail
	}
	whole, ok := u.join()
	if !ok {
		return endpointError("concurrent_session_missing_data")
	}
	n, tags := s.disk.write(t.accountID, arg.Commit, whole, s.opts.Now())
	if tags != nil {
		// The session lives on: the client may commit it to another path.
		return endpointError(append([]string{"path"}, tags...)...)
	}
	u.done, u.parts = true, nil
	writeJSON(w, http.StatusOK, fileOnly(n))
	return nil
}

// takeLast adds the content that came with the request to finish.
func (u *uploadSession) takeLast(offset int64, data []byte) *apiError {
	switch {
	case u.done:
		return lookupFailed(tag("not_found"))
	case u.concurrent && len(data) > 0:
		return endpointError("concurrent_session_data_not_allowed")
	case u.concurrent && !u.closed:
		return endpointError("concurrent_session_not_closed")
	case !u.concurrent && offset != u.size:
		return lookupFailed(u.incorrectOffset())
	case !u.concurrent && u.closed && len(data) > 0:
		return lookupFailed(tag("closed"))
	}
	u.add(offset, data)
	return nil
}

func lookupFailed(reason union) *apiError {
	return endpointErrorBody(union{".tag": "lookup_failed", "lookup_failed": reason},
		"lookup_failed", reason[".tag"].(string))
}
