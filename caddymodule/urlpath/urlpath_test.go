package urlpath

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

// FuzzCheck: a path that is let pass means the same to every server, however
// often it unescapes and whatever it makes of dots, slashes and parameters.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"/a/b", "/%2e%2e/x", "/%252e%252e", "/a%25b", "/..;/x", `/a\b`, "/%25zz%252e", "/%c3%a9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if Check(path) != nil {
			return
		}
		slashes := strings.Count(path, "/")
		for range 8 {
			if strings.ContainsAny(path, "\\\x00\r\n") {
				t.Fatalf("%q has a forbidden byte", path)
			}
			for segment := range strings.SplitSeq(path, "/") {
				if name, _, _ := strings.Cut(segment, ";"); name == ".." {
					t.Fatalf("%q has a dot segment", path)
				}
			}
			if strings.Count(path, "/") != slashes {
				t.Fatalf("%q has a slash more", path)
			}
			path = lenient(path)
		}
	})
}

func TestCheckOneSpelling(t *testing.T) {
	for _, path := range []string{"", "/", "*", "/token", "/token/", "/v1.0/token", "/.well-known/token", "/a..b/...", "/%c3%a9/x", "/a;x=./token", "/a%25b"} {
		if err := CheckOneSpelling(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
	for _, path := range []string{
		"//", "//token", "/a//token", "/token//", ".", "/.", "/./token", "/token/.", "/a/%2e/token", "/a/%252e/token", "/a/.;x/token", "/a/%2e%3bx/token",
		"..", "/a/..%20/token", "/a/../token", "/a/%2e%2e/token", "/a/.%2e/token", "/a%2ftoken", "/a%5ctoken", "/a/%zz",
	} {
		if CheckOneSpelling(path) == nil {
			t.Errorf("%q is let pass", path)
		}
	}
}

// FuzzCheckOneSpelling: cleaning a path that is let pass changes nothing, however
// often it is unescaped before.
func FuzzCheckOneSpelling(f *testing.F) {
	for _, seed := range []string{"/a/b", "/a//b", "/./x", "/%2e/x", "/%252e", "/a/.;/x", "/x/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		if CheckOneSpelling(escaped) != nil {
			return
		}
		decoded := "/" + strings.TrimPrefix(escaped, "/")
		for range 8 {
			if want := strings.TrimSuffix(decoded, "/"); strings.TrimSuffix(path.Clean(decoded), "/") != want {
				t.Fatalf("%q: %q is cleaned to %q", escaped, decoded, path.Clean(decoded))
			}
			decoded = lenient(decoded)
		}
	})
}

// lenient unescapes as the most careless server would.
func lenient(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if decoded, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(decoded)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
