package e2e

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// slackAPI plays the parts of Slack's Web API whose answers a client has to understand.
type slackAPI struct{}

func (*slackAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Slack-Req-Id", "r1")
	h.Set("X-OAuth-Scopes", "chat:write,channels:read")
	switch r.URL.Path {
	case "/api/auth.test":
		fmt.Fprint(w, `{"ok":true,"user":"bot","team":"T"}`)
	case "/api/chat.postMessage":
		if r.Form.Get("channel") != "C1" {
			fmt.Fprint(w, `{"ok":false,"error":"channel_not_found"}`)
			return
		}
		fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":"1.000200","message":{"text":%q}}`, r.Form.Get("text"))
	case "/api/conversations.list":
		if r.Form.Get("cursor") == "dGVhbTpD" {
			fmt.Fprint(w, `{"ok":true,"channels":[{"id":"C2"}],"response_metadata":{"next_cursor":""}}`)
			return
		}
		fmt.Fprint(w, `{"ok":true,"channels":[{"id":"C1"}],"response_metadata":{"next_cursor":"dGVhbTpD"}}`)
	case "/api/users.info":
		h.Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"ok":false,"error":"ratelimited"}`)
	default:
		fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`)
	}
}

// driveAPI plays the parts of Google Drive's API whose answers a client has to understand.
type driveAPI struct{}

func (*driveAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("ETag", `"v1"`)
	switch r.Method + " " + r.URL.Path {
	case "POST /upload/drive/v3/files":
		fmt.Fprintf(w, `{"id":"1","size":"%d","description":%q}`, sizeOfMedia(r), r.Header.Get("X-Goog-Api-Client"))
	case "GET /drive/v3/files":
		if r.URL.Query().Get("pageToken") == "p2" {
			fmt.Fprint(w, `{"files":[{"name":"two"}]}`)
			return
		}
		fmt.Fprint(w, `{"files":[{"name":"one"}],"nextPageToken":"p2"}`)
	case "GET /drive/v3/files/one":
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("X-Goog-Hash", "crc32c=AAAAAA==")
		h.Set("Content-Length", "4")
		fmt.Fprint(w, "body")
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":{"code":404,"message":"File not found","errors":[{"reason":"notFound","message":"File not found"}]}}`)
	}
}

// sizeOfMedia is the length of the second part of an upload.
func sizeOfMedia(r *http.Request) int64 {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return -1
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	if _, err := parts.NextPart(); err != nil {
		return -1
	}
	media, err := parts.NextPart()
	if err != nil {
		return -1
	}
	n, _ := io.Copy(io.Discard, media)
	return n
}
