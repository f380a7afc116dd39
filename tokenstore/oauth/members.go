package oauth

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// member is one name and value of an answer. The value is JSON, whatever the
// answer was written in.
type member struct {
	name  string
	value json.RawMessage
}

// members lists what stands at the top level of a body, in its order and with
// its duplicates, and reports whether the body is well-formed to its end. A
// broken or cut body gives the members whose values are complete. The content
// type is not asked: JSON comes as text/plain, and forms as application/json.
func members(body []byte, complete bool) (ms []member, whole bool) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return nil, false
	}
	switch body[0] {
	case '{':
		return jsonMembers(body), json.Valid(body)
	case '<', '[', '"':
		return nil, false
	}
	return formMembers(string(body), complete)
}

// formMembers lists the pairs of a form. In one that is cut, the last pair is
// left out: nothing tells where its value would have ended.
func formMembers(body string, complete bool) (ms []member, whole bool) {
	pairs := strings.Split(body, "&")
	if !complete {
		pairs = pairs[:len(pairs)-1]
	}
	whole = complete
	for _, pair := range pairs {
		k, v, hasValue := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(k)
		text, err2 := url.QueryUnescape(v)
		if !hasValue || err1 != nil || err2 != nil {
			whole = false
			continue
		}
		value, _ := json.Marshal(text) // a string cannot fail
		ms = append(ms, member{name, value})
	}
	return ms, whole
}

// jsonMembers lists the members of the JSON object at the start of b, up to the
// first place where it cannot go on. It is more lenient than encoding/json on
// purpose: of {"expires_in":NaN,"refresh_token":"r"} it gives both.
func jsonMembers(b []byte) []member {
	var ms []member
	s := scanner{b: b, i: 1}
	for {
		s.skip(" \t\r\n,")
		rawName, ok := s.text()
		if !ok {
			return ms
		}
		s.skip(" \t\r\n")
		if s.i >= len(b) || b[s.i] != ':' {
			return ms
		}
		s.i++
		s.skip(" \t\r\n")
		value, ok := s.value()
		if !ok {
			return ms
		}
		var name string
		if json.Unmarshal(rawName, &name) == nil {
			ms = append(ms, member{name, value})
		}
	}
}

// scanner finds where JSON values end, without recursion, so that no nesting
// is deep enough to hurt.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) skip(set string) {
	for s.i < len(s.b) && strings.IndexByte(set, s.b[s.i]) >= 0 {
		s.i++
	}
}

// text scans a string with its quotes.
func (s *scanner) text() (json.RawMessage, bool) {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return nil, false
	}
	for j := s.i + 1; j < len(s.b); j++ {
		switch s.b[j] {
		case '\\':
			j++
		case '"':
			t := s.b[s.i : j+1]
			s.i = j + 1
			return t, true
		}
	}
	return nil, false
}

// value scans a value. A bare one, such as a number, that touches the end of
// the input is not complete: its next digit may be missing.
func (s *scanner) value() (json.RawMessage, bool) {
	if s.i >= len(s.b) {
		return nil, false
	}
	switch s.b[s.i] {
	case '"':
		return s.text()
	case '{', '[':
		return s.nested()
	}
	n := bytes.IndexAny(s.b[s.i:], ",}] \t\r\n")
	if n < 0 {
		return nil, false
	}
	v := s.b[s.i : s.i+n]
	s.i += n
	return v, true
}

// nested scans an object or an array as a whole.
func (s *scanner) nested() (json.RawMessage, bool) {
	start, depth := s.i, 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			if _, ok := s.text(); !ok {
				return nil, false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return s.b[start:s.i], true
		}
	}
	return nil, false
}
