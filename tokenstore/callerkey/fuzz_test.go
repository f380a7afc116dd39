package callerkey

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/storage"
)

func FuzzWhatIsTakenForAKeyIsOneByteForByte(f *testing.F) {
	for _, seed := range []string{
		"", Prefix, Prefix + "aaaaaaaaaa_" + strings.Repeat("a", secretLength),
		Prefix + "aaaaaaaaaa-" + strings.Repeat("a", secretLength),
		Prefix + "aaaaaaaaa8_" + strings.Repeat("7", secretLength), GrantPrefix + "e30.x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, presented string) {
		id, ok := keyID(presented)
		if !ok {
			return
		}
		secret, err := base32Lower.DecodeString(presented[keyLength-secretLength:])
		if err != nil || len(secret) != 32 || !strings.HasPrefix(presented, Prefix+id+"_") || len(id) != idLength {
			t.Errorf("%q is taken for the key %q", presented, id)
		}
	})
}

// Signed or not, whatever is read out of a grant writes itself again byte for byte, and is no wider than a page's.
func FuzzAGrantIsReadInOneWayOnly(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"k":"aaaaaaaaaa","c":"a/b","o":"https://a.example","e":1767323045}`,
		`{"v":1,"k":"aaaaaaaaaa","c":"a/b","o":"https://a.example","m":["GET"],"p":["/2/*"],"e":1767323045}`,
		`{"v":1,"k":"a","k":"b","c":"a/b","o":"https://a.example","e":1}`,
		`{"V":1,"k":"a","c":"a/b","o":"https://a.example","e":1}`,
		`{"v":1,"k":"a","c":"a/b","o":"https://a.example","e":1,"m":[]}`,
		`{"v":1,"k":"a","c":"a/b","o":"https://a.example","e":1}{}`,
		`{"v":1,"k":"a","c":"a/b","o":"https://a.example","e":1,"x":1}`, `{}`, `null`, `[]`, ``,
	} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(seed)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := parsePayload(text)
		if !ok {
			return
		}
		encoded, err := json.Marshal(p)
		if err != nil || base64.RawURLEncoding.EncodeToString(encoded) != text {
			t.Errorf("%q is read as %+v", text, p)
		}
		if s := p.scope(); len(s.Connections) != 1 || len(s.Origins) != 1 || s.Methods != nil && len(s.Methods) == 0 || s.Paths != nil && len(s.Paths) == 0 {
			t.Errorf("%q has the scope %+v", text, s)
		}
	})
}

func FuzzAKeyOfARecordCanBeUsedOnlyIfItIsWhole(f *testing.F) {
	e := &entry{key: Key{Name: "a", ID: "aaaaaaaaaa", Scope: Scope{Connections: []string{"a/b"}}}}
	whole, err := e.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"v":1,"id":"aaaaaaaaaa","sha256":"","scope":{"connections":["a/b"]}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		e := decodeKey(storage.Record{Key: recordKey("a"), Value: value, Revision: 7})
		if e.key.Name != "a" || e.revision != 7 || e.key.Damaged != (e.problem != nil) {
			t.Errorf("%q is read as %+v", value, e)
		}
		if e.problem == nil && (e.key.Scope.validate() != nil || len(e.key.ID) != idLength) {
			t.Errorf("%q is read as %+v", value, e)
		}
	})
}

// A path that a scope allows climbs nowhere, whoever unescapes it.
func FuzzAnAllowedPathStaysWhereItIs(f *testing.F) {
	for _, seed := range []string{"/a/b", "/a/../b", "/a/%2e%2e/b", "/a/..;x/b", `/a/..\b`, "/a/%", "/a/%25252e%25252e/b"} {
		f.Add(seed)
	}
	s := Scope{Connections: []string{"a/b"}, Paths: []string{"/a/*"}}
	f.Fuzz(func(t *testing.T, p string) {
		if !s.Allows(Use{Connection: "a/b", Method: "GET", Path: p}) {
			return
		}
		if clean := cleaned(p); !strings.HasPrefix(clean+"/", "/a/") {
			t.Errorf("%q may be read as %q", p, clean)
		}
	})
}

// cleaned is what a server makes of a path that unescapes it, then removes its dot segments.
func cleaned(escaped string) string {
	unescaped, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return path.Clean(strings.ReplaceAll(unescaped, `\`, "/"))
}
