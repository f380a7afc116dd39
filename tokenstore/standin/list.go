package standin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Bounds of the pages of a listing.
const (
	defaultPage = 500
	maxPage     = 2000
)

// listing is a walk through a folder, and what its cursor holds. A first walk
// shows all that is there; when it has come to the end, the cursor starts
// another, which shows what has changed since the one before had begun.
type listing struct {
	Folder    string `json:"f"` // lower-case path
	Recursive bool   `json:"r,omitempty"`
	Deleted   bool   `json:"d,omitempty"`
	Limit     int    `json:"l"`
	Since     uint64 `json:"s,omitempty"` // changes up to this one were shown
	Until     uint64 `json:"u"`           // the change at which this walk began
	After     string `json:"a,omitempty"` // the last path that was shown
}

// listFolder is /2/files/list_folder.
func (s *Server) listFolder(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Path           string `json:"path"`
		Recursive      bool   `json:"recursive"`
		IncludeDeleted bool   `json:"include_deleted"`
		Limit          int    `json:"limit"`
	}
	if fail := bodyArg(r, &arg); fail != nil {
		return fail
	}
	if arg.Limit < 0 || arg.Limit > maxPage {
		return badInput("The limit must be between 1 and 2000.")
	}
	if arg.Limit == 0 {
		arg.Limit = defaultPage
	}
	l := listing{Recursive: arg.Recursive, Deleted: arg.IncludeDeleted, Limit: arg.Limit}
	if arg.Path != "" {
		key, n, fail := s.lookup(arg.Path, t)
		switch {
		case fail != nil:
			return fail
		case !n.folder:
			return endpointError("path", "not_folder")
		}
		l.Folder = key
	}
	s.showPage(w, l, t)
	return nil
}

// listContinue is /2/files/list_folder/continue.
func (s *Server) listContinue(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError {
	var arg struct {
		Cursor string `json:"cursor"`
	}
	if fail := bodyArg(r, &arg); fail != nil {
		return fail
	}
	l, ok := readCursor(arg.Cursor)
	if !ok {
		return badInput("The cursor is none that this server made.")
	}
	s.showPage(w, l, t)
	return nil
}

func (s *Server) showPage(w http.ResponseWriter, l listing, t *accessToken) {
	s.disk.mu.Lock()
	entries, next, more := s.disk.of(t.accountID).page(l)
	s.disk.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"entries":  entries,
		"cursor":   next.cursor(),
		"has_more": more,
	})
}

// page returns the next entries of l, and l as it goes on.
func (t *tree) page(l listing) (entries []union, next listing, more bool) {
	entries = []union{}
	if l.After == "" {
		l.Until = t.change
	}
	for _, key := range t.below(l.Folder, l.Recursive) {
		n := t.nodes[key]
		hidden := n.deleted && !l.Deleted && l.Since == 0
		if key <= l.After || n.change <= l.Since || hidden {
			continue
		}
		if len(entries) == l.Limit {
			return entries, l, true
		}
		entries = append(entries, n.metadata())
		l.After = key
	}
	l.Since, l.After = l.Until, ""
	return entries, l, false
}

// cursor writes l as a token. It is not sealed: nothing in it gives access.
func (l listing) cursor() string {
	text, err := json.Marshal(l)
	if err != nil {
		// Strings and numbers always marshal.
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func readCursor(c string) (l listing, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || json.Unmarshal(text, &l) != nil {
		return listing{}, false
	}
	inFolder := l.Folder == "" || strings.HasPrefix(l.Folder, "/")
	return l, inFolder && l.Limit >= 1 && l.Limit <= maxPage
}
