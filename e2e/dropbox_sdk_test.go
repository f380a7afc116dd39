package e2e

import (
	"bytes"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dropbox/dropbox-sdk-go-unofficial/v6/dropbox"
	"github.com/dropbox/dropbox-sdk-go-unofficial/v6/dropbox/files"
	"github.com/dropbox/dropbox-sdk-go-unofficial/v6/dropbox/filetransfer"
	"github.com/google/go-cmp/cmp"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// rawPath is sent by the SDK in a header as it is, in UTF-8.
const rawPath = "/Grüße 日本.txt"

func TestDropboxSDKWithoutAToken(t *testing.T) {
	c, server, grant := startDropbox(t)
	sent := new(recorder)
	t.Cleanup(sent.close)
	sdk := files.NewContext(dropboxConfig(c, &http.Client{Transport: sent}))

	upload := files.NewUploadArg(rawPath)
	if _, err := sdk.Upload(upload, strings.NewReader("guten Tag")); err != nil {
		t.Fatalf("upload: %v", err)
	}
	list, err := sdk.ListFolder(files.NewListFolderArg(""))
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	if len(list.Entries) != 1 || list.Entries[0].(*files.FileMetadata).PathDisplay != rawPath {
		t.Errorf("list: %v", list.Entries)
	}
	if got := download(t, sdk, rawPath); string(got) != "guten Tag" {
		t.Errorf("download: %q", got)
	}
	uploadLargeFile(t, sdk)

	checkArrived(t, server, sent, grant)
}

// A client that brings credentials of its own gets rid of them on the way.
func TestDropboxSDKWithATokenOfItsOwn(t *testing.T) {
	c, server, grant := startDropbox(t)
	sent := &recorder{header: http.Header{
		"Authorization":       {"Bearer own-token"},
		"Proxy-Authorization": {"Basic b3duOnByb3h5"},
	}}
	t.Cleanup(sent.close)
	sdk := files.NewContext(dropboxConfig(c, &http.Client{Transport: sent}))
	if _, err := sdk.ListFolder(files.NewListFolderArg("")); err != nil {
		t.Fatalf("list: %v", err)
	}
	checkArrived(t, server, sent, grant)
}

func startDropbox(t *testing.T) (*caddyServer, *standin.Server, standin.Grant) {
	t.Helper()
	c := newCaddy(t)
	server := newDropbox(t, c, standin.Options{})
	c.start(c.caddyfile(dropboxProvider(server), dropboxSite))
	return c, server, importGrant(t, c, server, "auth")
}

// dropboxConfig is how an application points the SDK at Caddy.
func dropboxConfig(c *caddyServer, client *http.Client) dropbox.Config {
	return dropbox.Config{
		Client: client,
		URLGenerator: func(host, namespace, route string) string {
			return c.url("/dropbox/" + host + "/2/" + namespace + "/" + route)
		},
	}
}

func download(t *testing.T, sdk files.ContextClient, path string) []byte {
	t.Helper()
	_, body, err := sdk.Download(files.NewDownloadArg(path))
	if err != nil {
		t.Fatalf("download %s: %v", path, err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("download %s: %v", path, err)
	}
	return content
}

// uploadLargeFile sends 20 MiB in several parts.
func uploadLargeFile(t *testing.T, sdk files.ContextClient) {
	t.Helper()
	content := make([]byte, 20<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	const path = "/large.bin"
	result, err := filetransfer.NewUploader(sdk).Upload(t.Context(), filetransfer.BytesUpload(content),
		files.NewCommitInfo(path), filetransfer.UploadOptions{MaxAttempts: 1})
	if err != nil {
		t.Fatalf("upload session: %v", err)
	}
	if got, want := result.Metadata.ContentHash, standin.ContentHash(content); got != want {
		t.Errorf("content hash after the upload is %s, not %s", got, want)
	}
	if !bytes.Equal(download(t, sdk, path), content) {
		t.Error("what is downloaded is not what was uploaded")
	}
}

// checkArrived compares what the stand-in received with what the client sent: the one thing that was
// added, and took the place of whatever credentials there were, is the token.
func checkArrived(t *testing.T, server *standin.Server, sent *recorder, grant standin.Grant) {
	t.Helper()
	var paths, args []string
	for _, e := range server.Journal() {
		if e.Part == standin.PartOAuth {
			t.Errorf("unexpected request: %s", e)
			continue
		}
		paths = append(paths, e.Path)
		args = append(args, e.Header.Values("Dropbox-Api-Arg")...)
		want := []string{"Bearer " + grant.AccessToken}
		if diff := cmp.Diff(want, e.Header["Authorization"]); diff != "" {
			t.Errorf("%s: Authorization (-want +got):\n%s", e, diff)
		}
		for name, values := range e.Header {
			if name != "Authorization" && !slices.Contains(harmless, name) {
				t.Errorf("%s: has a header that nobody asked for: %s: %q", e, name, values)
			}
		}
	}
	if diff := cmp.Diff(sent.paths, paths); diff != "" {
		t.Errorf("requests (-sent +arrived):\n%s", diff)
	}
	if diff := cmp.Diff(sent.args, args); diff != "" {
		t.Errorf("Dropbox-API-Arg (-sent +arrived):\n%s", diff)
	}
}

// harmless are the headers that may arrive beside the token.
var harmless = []string{
	"Accept-Encoding", "Content-Length", "Content-Type", "Dropbox-Api-Arg", "User-Agent",
	"Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

// recorder notes what leaves the client, and adds header to it.
type recorder struct {
	header http.Header
	inner  http.Transport

	mu    sync.Mutex
	paths []string
	args  []string
}

func (s *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/dropbox/"), "/")
	s.paths = append(s.paths, "/"+path)
	s.args = append(s.args, r.Header.Values("Dropbox-Api-Arg")...)
	s.mu.Unlock()
	r = r.Clone(r.Context())
	maps.Copy(r.Header, s.header)
	return s.inner.RoundTrip(r)
}

func (s *recorder) close() { s.inner.CloseIdleConnections() }
