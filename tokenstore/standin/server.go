package standin

import (
	"context"
	"net/http"
	"strings"
	"sync"
)

// Server is a stand-in. It is safe for concurrent use.
type Server struct {
	opts     Options
	pages    pages
	disk     *disk
	sessions sessions
	journal  *journal
	script   script

	oauth, api, content http.Handler

	mu         sync.Mutex // guards the rest up to lastFamily, and what it points to
	clients    map[string]Client
	codes      *recent[string, *code]
	access     *recent[string, *accessToken]
	refresh    *recent[string, *refreshToken]
	families   *recent[int, *family]
	lastFamily int

	running running
	gate    gate
	closing context.Context // done when Close is called
	close   context.CancelFunc
}

// New returns a server that behaves as o says. It needs no Close unless it is
// started or plays faults that last.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		opts:     o,
		pages:    newPages(),
		disk:     newDisk(o.MaxBytes),
		sessions: sessions{byID: newRecent[string, *uploadSession](maxSessions)},
		journal:  newJournal(o.JournalSize),
		clients:  make(map[string]Client),
		codes:    newRecent[string, *code](remembered),
		access:   newRecent[string, *accessToken](remembered),
		refresh:  newRecent[string, *refreshToken](remembered),
		families: newRecent[int, *family](remembered),
	}
	s.closing, s.close = context.WithCancel(context.Background())
	for _, c := range o.Clients {
		s.SetClient(c)
	}
	s.oauth = s.part(PartOAuth, s.oauthRoutes())
	s.api = s.part(PartAPI, s.cors(s.apiRoutes()))
	s.content = s.part(PartContent, s.cors(s.contentRoutes()))
	return s
}

// OAuth returns the authorization server.
func (s *Server) OAuth() http.Handler { return s.oauth }

// API returns the API host for calls about files, folders and accounts.
func (s *Server) API() http.Handler { return s.api }

// Content returns the API host for the content of files.
func (s *Server) Content() http.Handler { return s.content }

func (s *Server) oauthRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth2/authorize", s.authorize)
	mux.HandleFunc("POST /oauth2/authorize", s.authorize)
	mux.HandleFunc("POST /oauth2/token", s.token)
	mux.HandleFunc("POST /oauth2/revoke", s.revoke)
	mux.HandleFunc("POST /2/auth/token/revoke", s.revokeBearer)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
	return mux
}

func (s *Server) apiRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2/auth/token/revoke", s.revokeBearer)
	mux.Handle("POST /2/users/get_current_account", s.call("", s.currentAccount))
	mux.Handle("POST /2/files/get_metadata", s.call("files.metadata.read", s.getMetadata))
	mux.Handle("POST /2/files/list_folder", s.call("files.metadata.read", s.listFolder))
	mux.Handle("POST /2/files/list_folder/continue", s.call("files.metadata.read", s.listContinue))
	mux.Handle("POST /2/files/delete_v2", s.call("files.content.write", s.deleteV2))
	return mux
}

func (s *Server) contentRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /2/files/upload", s.call("files.content.write", s.upload))
	mux.Handle("POST /2/files/upload_session/start", s.call("files.content.write", s.sessionStart))
	mux.Handle("POST /2/files/upload_session/append_v2", s.call("files.content.write", s.sessionAppend))
	mux.Handle("POST /2/files/upload_session/finish", s.call("files.content.write", s.sessionFinish))
	mux.Handle("POST /2/files/download", s.call("files.content.read", s.download))
	mux.Handle("GET /2/files/download", s.call("files.content.read", s.download))
	return mux
}

// apiCall is one call of the API. It writes its answer, or returns the error.
type apiCall func(w http.ResponseWriter, r *http.Request, t *accessToken) *apiError

// call checks the bearer before c sees the request.
func (s *Server) call(scope string, c apiCall) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, fail := s.bearer(r)
		if fail == nil {
			fail = t.demand(scope)
		}
		if fail == nil {
			fail = c(w, r, t)
		}
		if fail != nil {
			fail.write(w)
		}
	})
}

// cors answers preflights and lets any page read the answers, as Dropbox does:
// a proxy in front of it must cope.
func (s *Server) cors(next http.Handler) http.Handler {
	if s.opts.NoCORS {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Dropbox-API-Result, ETag, Retry-After")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", strings.Join(r.Header.Values("Access-Control-Request-Headers"), ", "))
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusOK)
	})
}
