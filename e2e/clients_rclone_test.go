package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/net/webdav"
)

// rclone asks for the token itself, and again when it has expired.
func TestRcloneGetsItsTokenFromTheEndpoint(t *testing.T) {
	needs(t, "rclone", "curl")
	s := startSaaS(t, &webdav.Handler{FileSystem: webdav.NewMemFS(), LockSystem: webdav.NewMemLS()})
	if err := os.WriteFile(filepath.Join(s.dir, "up"), []byte("guten Tag"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.sh("rclone", "config", "create", "dav", "webdav", "url="+s.api.URL, "vendor=other",
		"bearer_token_command=curl -sf "+s.url("/token"))
	s.refresh()
	s.sh("rclone", "copyto", "up", "dav:folder/file")
	s.refresh()
	if out := s.sh("rclone", "cat", "dav:folder/file"); out != "guten Tag" {
		t.Errorf("the file is %q", out)
	}
	if out := s.sh("rclone", "lsf", "-R", "dav:"); out != "folder/\nfolder/file\n" {
		t.Errorf("the list is %q", out)
	}
	s.arrived("PROPFIND", "/", "Depth", "1")
}

// Through the forwarder, rclone needs no token at all. The paths in the answers of WebDAV are absolute, so that the route
// leaves the path as it is.
func TestRcloneThroughTheForwarder(t *testing.T) {
	needs(t, "rclone")
	s := newSaaS(t, &webdav.Handler{Prefix: "/dav", FileSystem: webdav.NewMemFS(), LockSystem: webdav.NewMemLS()})
	s.startWith("host main "+s.api.URL+"\nmethods PROPFIND MKCOL MOVE COPY", s.caddyfile, "\ttoken_proxy /dav/* saas/auth {\n\t\tpass_header Destination\n\t}")
	if err := os.WriteFile(filepath.Join(s.dir, "up"), []byte("guten Tag"), 0o600); err != nil {
		t.Fatal(err)
	}
	// rclone sends a Referer, as browsers do. An empty one it leaves out.
	s.sh("rclone", "config", "create", "dav", "webdav", "url="+s.url("/dav/"), "vendor=other", "headers=Referer,")
	s.sh("rclone", "copyto", "up", "dav:folder/file")
	if out := s.sh("rclone", "cat", "dav:folder/file"); out != "guten Tag" {
		t.Errorf("the file is %q", out)
	}
	s.arrived("PROPFIND", "/dav/folder/file", "Depth", "1")
	s.sh("rclone", "moveto", "dav:folder/file", "dav:folder/moved")
	s.arrived("MOVE", "/dav/folder/file", "Destination", s.api.URL+"/dav/folder/moved")
	s.sh("rclone", "copyto", "dav:folder/moved", "dav:folder/copied")
	if out := s.sh("rclone", "lsf", "-R", "dav:"); out != "folder/\nfolder/copied\nfolder/moved\n" {
		t.Errorf("the list is %q", out)
	}
}
