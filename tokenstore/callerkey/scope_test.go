package callerkey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/callerkey"
)

func scope(edit func(*callerkey.Scope)) callerkey.Scope {
	s := callerkey.Scope{Connections: []string{"dropbox/auth"}}
	edit(&s)
	return s
}

func methods(m ...string) callerkey.Scope {
	return scope(func(s *callerkey.Scope) { s.Methods = m })
}

func paths(p ...string) callerkey.Scope { return scope(func(s *callerkey.Scope) { s.Paths = p }) }

func origins(o ...string) callerkey.Scope {
	return scope(func(s *callerkey.Scope) { s.Origins = o })
}

func connections(c ...string) callerkey.Scope { return callerkey.Scope{Connections: c} }

func TestWhatAScopeAllows(t *testing.T) {
	call := func(method, path string) callerkey.Use {
		return callerkey.Use{Connection: "dropbox/auth", Method: method, Path: path}
	}
	at := func(path string) callerkey.Use { return call("POST", path) }
	from := func(origin string) callerkey.Use {
		return callerkey.Use{Connection: "dropbox/auth", Method: "GET", Path: "/", Origin: origin}
	}
	conn := func(id string) callerkey.Use { return callerkey.Use{Connection: id} }
	tests := []struct {
		name  string
		scope callerkey.Scope
		use   callerkey.Use
		want  bool
	}{
		{"the connection that is named", connections("dropbox/auth"), conn("dropbox/auth"), true},
		{"one of several", connections("a/b", "dropbox/auth"), conn("dropbox/auth"), true},
		{"another connection", connections("dropbox/auth"), conn("dropbox/other"), false},
		{"another provider", connections("dropbox/auth"), conn("dropbox2/auth"), false},
		{"any of a provider", connections("dropbox/*"), conn("dropbox/x@y"), true},
		{"any of another provider", connections("dropbox/*"), conn("dropbox-2/x"), false},
		{"no connection at all", connections("dropbox/*"), conn(""), false},
		{"a provider without a connection", connections("dropbox/*"), conn("dropbox/"), false},
		{"an upper-case provider", connections("dropbox/*"), conn("Dropbox/x"), false},
		{"the scope of nothing", callerkey.Scope{}, conn("dropbox/auth"), false},

		{"the bare token, if only connections are restricted", connections("dropbox/auth"), call("", ""), true},
		{"the bare token, if methods are restricted", methods("GET"), call("", ""), false},
		{"the bare token, if paths are restricted", paths("/*"), call("", ""), false},
		{"a method that is named", methods("GET", "POST"), call("POST", "/"), true},
		{"a method that is not", methods("GET"), call("HEAD", "/"), false},
		{"a method in lower case", methods("GET"), call("get", "/"), false},

		{"a path as it is named", paths("/2/files/upload"), at("/2/files/upload"), true},
		{"more than the path", paths("/2/files/upload"), at("/2/files/upload2"), false},
		{"less than the path", paths("/2/files/upload"), at("/2/files"), false},
		{"anything below", paths("/2/files/*"), at("/2/files/a/b%20c"), true},
		{"the folder itself", paths("/2/files/*"), at("/2/files"), false},
		{"nothing below", paths("/2/files/*"), at("/2/files/"), true},
		{"something beside", paths("/2/files/*"), at("/2/filesx"), false},
		{"something beside, as the pattern has no slash", paths("/2/files*"), at("/2/filesx"), true},
		{"a path in other letters", paths("/2/files/*"), at("/2/Files/x"), false},
		{"a path that is escaped otherwise", paths("/2/files/*"), at("/2/f%69les/x"), false},
		{"no path", paths("/*"), at(""), false},
		{"a path of another form", paths("/*"), at("*"), false},

		{"dots that climb", paths("/2/files/*"), at("/2/files/../users/x"), false},
		{"dots that climb at the end", paths("/2/files/*"), at("/2/files/.."), false},
		{"a dot that stays", paths("/2/files/*"), at("/2/files/./x"), false},
		{"escaped dots", paths("/2/files/*"), at("/2/files/%2e%2E/users"), false},
		{"half escaped dots", paths("/2/files/*"), at("/2/files/.%2e/users"), false},
		{"an escaped slash between", paths("/2/files/*"), at("/2/files/x%2f..%2fusers"), false},
		{"a backslash", paths("/2/files/*"), at(`/2/files/..\users`), false},
		{"an escaped backslash", paths("/2/files/*"), at("/2/files/x%5c..%5cusers"), false},
		{"dots that are escaped twice", paths("/2/files/*"), at("/2/files/%252e%252e/users"), false},
		{"dots that are escaped too often to look", paths("/2/files/*"), at("/2/files/%252525252e%252525252e/users"), false},
		{"dots with parameters", paths("/2/files/*"), at("/2/files/..;x=1/users"), false},
		{"dots in a name", paths("/2/files/*"), at("/2/files/a..b/.hidden/..."), true},
		{"dots in a form that UTF-8 forbids", paths("/2/files/*"), at("/2/files/%c0%ae%c0%ae/users"), false},
		{"an escaped null", paths("/2/files/*"), at("/2/files/x%00"), false},
		{"letters of any language", paths("/2/files/*"), at("/2/files/%C3%BC"), true},
		{"an escape that is none", paths("/2/files/*"), at("/2/files/%zz"), false},
		{"an escaped percent sign", paths("/2/files/*"), at("/2/files/100%25"), true},
		{"an escaped slash in a name", paths("/projects/*"), at("/projects/group%2Fproject"), true},
		{"dots where paths are not restricted", connections("dropbox/auth"), at("/../x"), true},

		{"a page that is named", origins("https://app.example.com"), from("https://app.example.com"), true},
		{"a page of another scheme", origins("https://app.example.com"), from("http://app.example.com"), false},
		{"a page of another port", origins("https://app.example.com"), from("https://app.example.com:8443"), false},
		{"a program, where pages are named", origins("https://app.example.com"), from(""), false},
		{"the page of nowhere", origins("https://app.example.com"), from("null"), false},
		{"a page, where none is named", connections("dropbox/auth"), from("https://evil.example"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.scope.Allows(tt.use); got != tt.want {
				t.Errorf("%+v allows %+v: %t", tt.scope, tt.use, got)
			}
		})
	}
}

func TestWhatMakesAKeyInvalid(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("a", 600)
	many := make([]string, 101)
	for i := range many {
		many[i] = "/" + strings.Repeat("a", i)
	}
	tests := []struct {
		name string
		spec callerkey.Spec
		says string
	}{
		{"no name", callerkey.Spec{Scope: demo}, "lower-case letters"},
		{"a name in upper case", callerkey.Spec{Name: "Backend", Scope: demo}, "lower-case letters"},
		{"a name with a slash", callerkey.Spec{Name: "a/b", Scope: demo}, "lower-case letters"},
		{"a name that looks like an option", callerkey.Spec{Name: "-a", Scope: demo}, "beginning with a letter"},
		{"a name that is too long", callerkey.Spec{Name: long, Scope: demo}, "1 to 64"},
		{"an end in the past", callerkey.Spec{Name: "a", Scope: demo, ExpiresAt: start}, "in the future"},
		{"an end that no encoding holds", callerkey.Spec{Name: "a", Scope: demo, ExpiresAt: start.AddDate(9000, 0, 0)}, "in the future"},
		{"no connection", callerkey.Spec{Name: "a"}, "at least one"},
		{"a connection without a provider", callerkey.Spec{Name: "a", Scope: connections("auth")}, "provider/connection"},
		{"a connection without a name", callerkey.Spec{Name: "a", Scope: connections("dropbox/")}, "provider/connection"},
		{"a connection with two slashes", callerkey.Spec{Name: "a", Scope: connections("a/b/c")}, "provider/connection"},
		{"a connection with a space", callerkey.Spec{Name: "a", Scope: connections("a/b c")}, "provider/connection"},
		{"all providers", callerkey.Spec{Name: "a", Scope: connections("*/auth")}, "for nothing else"},
		{"a part of a name", callerkey.Spec{Name: "a", Scope: connections("dropbox/a*")}, "for nothing else"},
		{"a connection twice", callerkey.Spec{Name: "a", Scope: connections("a/b", "a/b")}, "twice"},
		{"an empty list", callerkey.Spec{Name: "a", Scope: methods([]string{}...)}, "allow nothing"},
		{"a method in lower case", callerkey.Spec{Name: "a", Scope: methods("get")}, "upper case"},
		{"an empty method", callerkey.Spec{Name: "a", Scope: methods("")}, "upper case"},
		{"a path without a slash", callerkey.Spec{Name: "a", Scope: paths("2/files")}, "begin with a slash"},
		{"a star within a path", callerkey.Spec{Name: "a", Scope: paths("/2/*/x")}, "at the end only"},
		{"two stars", callerkey.Spec{Name: "a", Scope: paths("/2/**")}, "at the end only"},
		{"a query", callerkey.Spec{Name: "a", Scope: paths("/2?x=1")}, "without a query"},
		{"a path that is not escaped", callerkey.Spec{Name: "a", Scope: paths("/ü")}, "escaped"},
		{"a path that climbs", callerkey.Spec{Name: "a", Scope: paths("/2/../*")}, "no segment"},
		{"a path with half an escape", callerkey.Spec{Name: "a", Scope: paths("/2/%2*")}, "well escaped"},
		{"a path that is too long", callerkey.Spec{Name: "a", Scope: paths("/" + long)}, "the most is 512"},
		{"too many paths", callerkey.Spec{Name: "a", Scope: paths(many...)}, "more than 100"},
		{"an origin that is a URL", callerkey.Spec{Name: "a", Scope: origins("https://a.example/")}, "scheme://host"},
		{"an origin without a scheme", callerkey.Spec{Name: "a", Scope: origins("a.example")}, "scheme://host"},
		{"an origin with a user", callerkey.Spec{Name: "a", Scope: origins("https://u@a.example")}, "scheme://host"},
		{"the origin null", callerkey.Spec{Name: "a", Scope: origins("null")}, "scheme://host"},
		{"any origin", callerkey.Spec{Name: "a", Scope: origins("*")}, "scheme://host"},
		{"any subdomain", callerkey.Spec{Name: "a", Scope: origins("https://*.a.example")}, "no *"},
		{"an origin in upper case", callerkey.Spec{Name: "a", Scope: origins("https://A.example")}, "lower case"},
		{"an origin with the default port", callerkey.Spec{Name: "a", Scope: origins("https://a.example:443")}, "leave the port out"},
		{"an origin with half a port", callerkey.Spec{Name: "a", Scope: origins("https://a.example:")}, "no port"},
		{"an origin with a port that is none", callerkey.Spec{Name: "a", Scope: origins("https://a.example:70000")}, "is no port"},
		{"an origin with a long address", callerkey.Spec{Name: "a", Scope: origins("http://[0:0::1]:80")}, "port"},
		{"an origin that browsers write shorter", callerkey.Spec{Name: "a", Scope: origins("http://[0:0::1]")}, "::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, text, err := w.Create(t.Context(), tt.spec)
			if !errors.Is(err, callerkey.ErrInvalid) || !strings.Contains(err.Error(), tt.says) || !text.IsZero() {
				t.Errorf("Create returned %v, want %q", err, tt.says)
			}
		})
	}
	if list := w.List(); len(list) != 0 {
		t.Errorf("there are keys: %+v", list)
	}
}

func TestWhatAKeyMayHave(t *testing.T) {
	w := newWorld(t)
	for name, s := range map[string]callerkey.Scope{
		"all":       connections("dropbox/*"),
		"local":     origins("http://localhost:5173", "http://127.0.0.1", "http://[::1]:8080"),
		"app":       origins("capacitor://localhost", "chrome-extension://abcdefghijklmnop"),
		"literal":   paths("/2/%2A/x", "/*"),
		"extension": methods("PROPFIND", "M-SEARCH"),
		"utf8":      connections("dropbox/jörg@example.com"),
	} {
		if _, _, err := w.Create(t.Context(), callerkey.Spec{Name: name, Scope: s}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
