package adminapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/adminapi"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func TestBackupHeadersAreReadAsTheyAreWritten(t *testing.T) {
	want := storage.Snapshot{Size: 7, SHA256: [32]byte{1, 2, 3}, Content: storage.Content{Records: 5, Damaged: 2}}
	r := &http.Response{Header: http.Header{}, ContentLength: 7, Body: io.NopCloser(strings.NewReader("content"))}
	adminapi.SetBackup(r.Header, &want)
	got, err := adminapi.ReadBackup(r)
	if err != nil {
		t.Fatal(err)
	}
	if got.Size != want.Size || got.SHA256 != want.SHA256 || got.Content != want.Content {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAnAnswerWithoutWhatABackupSaysIsRefused(t *testing.T) {
	tests := map[string]func(*http.Response){
		"no digest":              func(r *http.Response) { r.Header.Del("Repr-Digest") },
		"another algorithm":      func(r *http.Response) { r.Header.Set("Repr-Digest", "sha-512=:AAAA:") },
		"a digest that is short": func(r *http.Response) { r.Header.Set("Repr-Digest", "sha-256=:AAAA:") },
		"no number of records":   func(r *http.Response) { r.Header.Del("Token-Store-Records") },
		"no number of damaged":   func(r *http.Response) { r.Header.Set("Token-Store-Damaged-Records", "some") },
		"no length":              func(r *http.Response) { r.ContentLength = -1 },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			r := &http.Response{Header: http.Header{}, ContentLength: 7, Body: io.NopCloser(strings.NewReader("content"))}
			adminapi.SetBackup(r.Header, &storage.Snapshot{Size: 7})
			change(r)
			if _, err := adminapi.ReadBackup(r); err == nil || !strings.Contains(err.Error(), "not a backup") {
				t.Errorf("got error %v", err)
			}
		})
	}
}
