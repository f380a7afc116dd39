package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// github plays the parts of GitHub's API that its clients differ in: pages, limits, entity tags, errors and uploads. Links name the
// API by its own address, or by what links says.
type github struct {
	links string
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-GitHub-Request-Id", "C0DE:1")
	h.Set("X-RateLimit-Limit", "5000")
	h.Set("X-RateLimit-Remaining", "4321")
	h.Set("X-RateLimit-Reset", "4102444800")
	switch r.Method + " " + r.URL.Path {
	case "GET /user":
		h.Set("ETag", `W/"v1"`)
		if r.Header.Get("If-None-Match") == `W/"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, `{"login":"octocat","id":1}`)
	case "GET /repos/o/r/issues":
		page := r.URL.Query().Get("page")
		if page == "" {
			page = "1"
		}
		if page == "1" || page == "2" {
			h.Set("Link", fmt.Sprintf(`<%[1]s/repos/o/r/issues?page=%[2]c>; rel="next", <%[1]s/repos/o/r/issues?page=3>; rel="last"`, g.links, page[0]+1))
		}
		fmt.Fprintf(w, `[{"number":%s,"title":"issue %[1]s"}]`, page)
	case "POST /repos/o/r/issues":
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"number":7,"title":%q}`, strings.TrimSpace(string(body)))
	case "POST /uploads/repos/o/r/releases/1/assets":
		n, _ := io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":9,"name":%q,"size":%d,"content_type":%q}`, r.URL.Query().Get("name"), n, r.Header.Get("Content-Type"))
	case "GET /repos/o/limited":
		h.Set("X-RateLimit-Remaining", "0")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"API rate limit exceeded"}`)
	case "POST /graphql":
		fmt.Fprint(w, `{"data":{"viewer":{"login":"octocat"}}}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`)
	}
}

// githubHosts are the provider's: like GitHub, it takes uploads at a place of their own.
func githubHosts(url string) string {
	return fmt.Sprintf("host rest %[1]s\nhost uploads %[1]s/uploads", url)
}

var _ http.Handler = (*github)(nil)
