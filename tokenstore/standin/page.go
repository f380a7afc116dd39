package standin

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
)

// pageStyle stands in the page itself: the page loads nothing.
const pageStyle = `
:root { color-scheme: light dark; --line: #d6d9de; --soft: #5b6370; --go: #1f5fd0; }
@media (prefers-color-scheme: dark) { :root { --line: #3b414b; --soft: #a3acba; --go: #7eaaff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 27rem; padding: 2rem; border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.25rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
ul { margin: 0 0 1.5rem; padding-left: 1.25rem; }
code { font-size: .9rem; overflow-wrap: anywhere; }
fieldset { margin: 0 0 1.5rem; border: 1px solid var(--line); border-radius: .5rem; }
label { display: block; padding: .25rem 0; }
small { color: var(--soft); }
.choice { display: flex; gap: .75rem; }
button { flex: 1; padding: .6rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  font: inherit; cursor: pointer; }
button.go { border-color: var(--go); background: var(--go); color: Canvas; }
button:focus-visible, input:focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
`

// pageFrame is what both pages share.
const pageFrame = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{block "title" .}}{{end}}</title>
<style>` + pageStyle + `</style>
</head>
<body>
<main>
{{block "content" .}}{{end}}
</main>
</body>
</html>
`

const consentContent = `{{define "title"}}Allow {{.Client}}?{{end}}{{define "content"}}<h1>{{.Client}} asks for access to your account</h1>
<p>If you allow it, it may use:</p>
<ul>
{{range .Request.Scopes}}<li><code>{{.}}</code></li>
{{end}}</ul>
<form method="post" action="/oauth2/authorize">
{{range .Hidden}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}{{if gt (len .Accounts) 1}}<fieldset><legend>Account</legend>
{{range .Accounts}}<label><input type="radio" name="account" value="{{.ID}}"{{if eq .ID $.Chosen}} checked{{end}}> {{.Name}} <small>{{.Email}}</small></label>
{{end}}</fieldset>
{{else}}{{range .Accounts}}<p>Account: {{.Name}} <small>{{.Email}}</small></p>
{{end}}{{end}}<p class="choice"><button class="go" name="decision" value="allow">Allow</button> <button name="decision" value="deny">Deny</button></p>
</form>
<p><small>You then return to <code>{{.Request.RedirectURI}}</code>. This is a stand-in for tests: no real account is involved.</small></p>{{end}}`

const refuseContent = `{{define "title"}}Request refused{{end}}{{define "content"}}<h1>This request was refused</h1>
<p>{{.}}</p>
<p><small>The browser was not sent back, because it is not certain where the request came from.</small></p>{{end}}`

// pages are the templates of the authorization endpoint.
type pages struct{ consent, refuse *template.Template }

func newPages() pages {
	frame := template.Must(template.New("frame").Parse(pageFrame))
	return pages{
		consent: template.Must(template.Must(frame.Clone()).Parse(consentContent)),
		refuse:  template.Must(template.Must(frame.Clone()).Parse(refuseContent)),
	}
}

// hiddenField carries one parameter of the request through the form.
type hiddenField struct{ Name, Value string }

// consentPage asks the person.
func (s *Server) consentPage(w http.ResponseWriter, a authorization, c Client) {
	var hidden []hiddenField
	for _, f := range []hiddenField{
		{"response_type", "code"},
		{"client_id", a.ClientID},
		{"redirect_uri", a.RedirectParam},
		{"scope", strings.Join(a.Scopes, " ")},
		{"state", a.State},
		{"code_challenge", a.Challenge},
		{"token_access_type", a.AccessType},
	} {
		if f.Value != "" {
			hidden = append(hidden, f)
		}
	}
	if a.Challenge != "" {
		hidden = append(hidden, hiddenField{"code_challenge_method", "S256"})
	}
	writePage(w, http.StatusOK, s.pages.consent, map[string]any{
		"Client":   c.title(),
		"Request":  a,
		"Hidden":   hidden,
		"Accounts": s.opts.Accounts,
		"Chosen":   s.choose("", a).ID,
	})
}

// refusePage tells the person what is wrong with a request that must not be
// answered by a redirect.
func (s *Server) refusePage(w http.ResponseWriter, text string) {
	writePage(w, http.StatusBadRequest, s.pages.refuse, text)
}

func writePage(w http.ResponseWriter, status int, page *template.Template, data any) {
	var body bytes.Buffer
	if err := page.Execute(&body, data); err != nil {
		// The templates are constants; that they render is tested.
		panic(err)
	}
	pageHeaders(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// pageHeaders keep the page out of frames, caches and referrers. There is no
// form-action: browsers apply it to the redirect that follows the form, which
// goes wherever the client is.
func pageHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
