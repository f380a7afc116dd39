package standin

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"net/http"
	"slices"
	"sync"
)

// concurrentStep is what offsets and, but for the last part, sizes in a
// concurrent session must be multiples of.
const concurrentStep = 4 << 20

// maxSessions bounds the upload sessions; the oldest is given up for a new one.
const maxSessions = 1 << 10

// sessions are the upload sessions of all accounts.
type sessions struct {
	mu   sync.Mutex
	byID *recent[string, *uploadSession]
}

// uploadSession is a file that comes in parts.
type uploadSession struct {
	accountID  string
	concurrent bool

	mu     sync.Mutex // guards the rest
	parts  []part
	size   int64
	closed bool
	done   bool // committed, or given up
}

type part struct {
	offset int64
	data   []byte
}

// cursor says which session a request is about, and how much of it the client
// thinks is there.
type cursor struct {
	SessionID string `json:"session_id"`
	Offset    int64  `json:"offset"`
}

// sessionStart is /2/files/upload_session/start.
func (s *Server) sessionStart(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Close       bool        `json:"close"`
		SessionType optionalTag `json:"session_type"`
		ContentHash string      `json:"content_hash"`
	}
	if fail := headerArg(r, &arg); fail != nil {
		return fail
	}
	data, fail := s.readContent(r, arg.ContentHash)
	if fail != nil {
		return fail
	}
	u := &uploadSession{accountID: t.accountID, concurrent: arg.SessionType.Tag == "concurrent", closed: arg.Close}
	var refused string
	switch {
	case u.concurrent && len(data) > 0:
		refused = "concurrent_session_data_not_allowed"
	case u.concurrent && arg.Close:
		refused = "concurrent_session_close_not_allowed"
	}
	if refused != "" {
		s.disk.release(int64(len(data)))
		return endpointError(refused)
	}
	u.add(0, data)
	writeJSON(w, http.StatusOK, map[string]string{"session_id": s.sessions.add(u, s.disk)})
	return nil
}

// add remembers u, and gives the oldest session up if there are too many.
func (all *sessions) add(u *uploadSession, d *disk) string {
	all.mu.Lock()
	defer all.mu.Unlock()
	for len(all.byID.order) >= maxSessions {
		oldest := all.byID.order[0]
		if old, ok := all.byID.get(oldest); ok {
			d.release(old.giveUp())
		}
		all.byID.delete(oldest)
		all.byID.order = all.byID.order[1:]
	}
	id := "pid_upload_session:" + rand.Text()
	all.byID.put(id, u)
	return id
}

func (all *sessions) find(id, accountID string) (*uploadSession, bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	u, ok := all.byID.get(id)
	if !ok || u.accountID != accountID {
		return nil, false
	}
	return u, true
}

func (u *uploadSession) add(offset int64, data []byte) {
	if len(data) > 0 {
		u.parts = append(u.parts, part{offset, data})
		u.size += int64(len(data))
	}
}

// giveUp ends u and returns how many bytes it held.
func (u *uploadSession) giveUp() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.done {
		return 0
	}
	u.done = true
	u.parts = nil
	return u.size
}

// append takes a part, and returns what is wrong with it.
func (u *uploadSession) append(offset int64, data []byte, last bool) union {
	switch {
	case u.done:
		return tag("not_found")
	case !u.concurrent && u.closed:
		return tag("closed")
	case !u.concurrent && offset != u.size:
		return u.incorrectOffset()
	case u.concurrent && offset%concurrentStep != 0:
		return tag("concurrent_session_invalid_offset")
	case u.concurrent && !last && !u.closed && len(data)%concurrentStep != 0:
		return tag("concurrent_session_invalid_data_size")
	}
	u.add(offset, data)
	u.closed = u.closed || last
	return nil
}

func (u *uploadSession) incorrectOffset() union {
	body := tag("incorrect_offset")
	body["correct_offset"] = u.size
	return body
}

// join returns the whole file. It is not ok if parts are missing or overlap.
func (u *uploadSession) join() ([]byte, bool) {
	slices.SortFunc(u.parts, func(a, b part) int { return cmp.Compare(a.offset, b.offset) })
	var whole bytes.Buffer
	whole.Grow(int(u.size))
	for _, p := range u.parts {
		if p.offset != int64(whole.Len()) {
			return nil, false
		}
		whole.Write(p.data)
	}
	return whole.Bytes(), true
}

// sessionAppend is /2/files/upload_session/append_v2.
func (s *Server) sessionAppend(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Cursor      cursor `json:"cursor"`
		Close       bool   `json:"close"`
		ContentHash string `json:"content_hash"`
	}
	if fail := headerArg(r, &arg); fail != nil {
		return fail
	}
	u, ok := s.sessions.find(arg.Cursor.SessionID, t.accountID)
	if !ok {
		return endpointError("not_found")
	}
	data, fail := s.readContent(r, arg.ContentHash)
	if fail != nil {
		return fail
	}
	u.mu.Lock()
	wrong := u.append(arg.Cursor.Offset, data, arg.Close)
	u.mu.Unlock()
	if wrong != nil {
		s.disk.release(int64(len(data)))
		return endpointErrorBody(wrong, wrong[".tag"].(string))
	}
	writeJSON(w, http.StatusOK, nil)
	return nil
}
