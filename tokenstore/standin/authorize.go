package standin

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// authorization is a checked authorization request (RFC 6749 section 4.1.1).
type authorization struct {
	ClientID      string
	RedirectURI   string // where to go
	RedirectParam string // what the request said, perhaps nothing
	State         string
	Scopes        []string
	Challenge     string
	AccessType    string // Dropbox's token_access_type
	LoginHint     string
}

// refusal is an authorization request that is wrong. Without a redirect it must
// not go back to the client: there is no place that can be trusted (section
// 4.1.2.1).
type refusal struct {
	redirect bool
	code     string
	text     string
}

// challengeForm is what a S256 challenge looks like (RFC 7636 section 4.2).
var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authorize is the authorization endpoint. GET asks the person, POST is the
// person's answer; it carries the whole request once more, and all of it is
// checked again.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.refusePage(w, "The request is malformed.")
		return
	}
	params := r.Form
	if r.Method == http.MethodPost {
		params = r.PostForm
	}
	a, c, wrong := s.checkAuthorization(params)
	switch {
	case wrong != nil && !wrong.redirect:
		s.refusePage(w, wrong.text)
	case wrong != nil:
		s.goBack(w, r, a, url.Values{"error": {wrong.code}, "error_description": {wrong.text}})
	case r.Method != http.MethodPost:
		s.consentPage(w, a, c)
	case params.Get("decision") != "allow":
		s.goBack(w, r, a, url.Values{"error": {"access_denied"}, "error_description": {"the person denied access"}})
	default:
		s.goBack(w, r, a, url.Values{"code": {s.issueCode(a, s.choose(params.Get("account"), a).ID)}})
	}
}

// goBack sends the browser to the client, with state and iss (RFC 9207). The
// status is 303 so that no browser repeats the POST there (RFC 9700 section
// 4.12).
func (s *Server) goBack(w http.ResponseWriter, r *http.Request, a authorization, answer url.Values) {
	if a.State != "" {
		answer.Set("state", a.State)
	}
	answer.Set("iss", s.issuer(r))
	// It parsed when it was checked. What the client registered stays as it is;
	// a query that it brought along is kept (section 3.1.2).
	separator := "?"
	if strings.Contains(a.RedirectURI, "?") {
		separator = "&"
	}
	pageHeaders(w)
	w.Header().Set("Location", a.RedirectURI+separator+answer.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) checkAuthorization(params url.Values) (authorization, Client, *refusal) {
	c, ok := s.client(params.Get("client_id"))
	if !ok || len(params["client_id"]) != 1 {
		return authorization{}, c, &refusal{text: "No such client is registered here."}
	}
	uri, ok := c.redirectURI(params["redirect_uri"])
	if !ok {
		return authorization{}, c, &refusal{text: "The redirect_uri is not one that the client has registered."}
	}
	a := authorization{
		ClientID:      c.ID,
		RedirectURI:   uri,
		RedirectParam: params.Get("redirect_uri"),
		State:         params.Get("state"),
		Scopes:        strings.Fields(params.Get("scope")),
		Challenge:     params.Get("code_challenge"),
		AccessType:    params.Get("token_access_type"),
		LoginHint:     params.Get("login_hint"),
	}
	if len(a.Scopes) == 0 {
		a.Scopes = s.opts.defaultScopes()
	}
	return a, c, s.checkRequest(a, c, params)
}

// redirectURI finds the URI to use. Comparison is byte by byte (RFC 9700
// section 4.1.3).
func (c Client) redirectURI(params []string) (string, bool) {
	switch {
	case len(params) == 0 && len(c.RedirectURIs) == 1:
		return c.RedirectURIs[0], true
	case len(params) == 1 && slices.Contains(c.RedirectURIs, params[0]):
		u, err := url.Parse(params[0])
		return params[0], err == nil && u.IsAbs() && u.Fragment == ""
	}
	return "", false
}

// checkRequest finds what is wrong with a request whose client and redirect URI
// are right.
func (s *Server) checkRequest(a authorization, c Client, params url.Values) *refusal {
	wrong := func(code, text string) *refusal { return &refusal{redirect: true, code: code, text: text} }
	for _, values := range params {
		if len(values) > 1 {
			return wrong("invalid_request", "a parameter is repeated")
		}
	}
	method := params.Get("code_challenge_method")
	accessTypes := []string{"", "online", "offline", "legacy"}
	switch {
	case !params.Has("response_type"):
		return wrong("invalid_request", "response_type is missing")
	case params.Get("response_type") != "code":
		return wrong("unsupported_response_type", "only code is supported")
	case !c.mayUse("authorization_code"):
		return wrong("unauthorized_client", "the client may not use authorization codes")
	case a.Challenge == "" && (method != "" || c.public() || s.opts.RequirePKCE):
		return wrong("invalid_request", "code_challenge is missing")
	case a.Challenge != "" && method != "S256":
		return wrong("invalid_request", "code_challenge_method must be S256")
	case a.Challenge != "" && !challengeForm.MatchString(a.Challenge):
		return wrong("invalid_request", "code_challenge is malformed")
	case !slices.Contains(accessTypes, a.AccessType):
		return wrong("invalid_request", "token_access_type is unknown")
	case !s.opts.knows(a.Scopes):
		return wrong("invalid_scope", "a scope is unknown")
	}
	return nil
}
