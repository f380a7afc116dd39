package standin

import (
	"html"
	"strings"
)

// attributes are those of a tag, by lower-case name. Of two with the same name
// the first counts, as in browsers.
type attributes map[string]string

// htmlTag is a tag with its lower-case name; that of an end tag begins with a
// slash.
type htmlTag struct {
	name  string
	attrs attributes
}

// scanner finds the tags of a page. It skips comments and what is no markup
// although it looks like it: scripts, styles and titles.
type scanner struct{ rest string }

func unescape(s string) string { return html.UnescapeString(s) }

// next returns the next tag.
func (s *scanner) next() (htmlTag, bool) {
	for {
		at := strings.IndexByte(s.rest, '<')
		if at < 0 {
			s.rest = ""
			return htmlTag{}, false
		}
		s.rest = s.rest[at+1:]
		if strings.HasPrefix(s.rest, "!--") {
			s.skipPast("-->")
			continue
		}
		t, ok := s.tag()
		if !ok {
			continue
		}
		switch t.name {
		case "script", "style", "title":
			s.text(t.name)
		}
		return t, true
	}
}

// skipPast goes to behind end, or to the end of the page.
func (s *scanner) skipPast(end string) {
	_, s.rest, _ = strings.Cut(s.rest, end)
}

// upToTag returns the text before the next tag.
func (s *scanner) upToTag() string {
	at := strings.IndexByte(s.rest, '<')
	if at < 0 {
		at = len(s.rest)
	}
	text := s.rest[:at]
	s.rest = s.rest[at:]
	return text
}

// text returns all up to the end tag of that name, and stops before it.
func (s *scanner) text(name string) string {
	end := "</" + name
	for at := 0; at+len(end) <= len(s.rest); at++ {
		if strings.EqualFold(s.rest[at:at+len(end)], end) {
			text := s.rest[:at]
			s.rest = s.rest[at:]
			return text
		}
	}
	text := s.rest
	s.rest = ""
	return text
}

// tag reads a tag whose < has been read. It is not ok if a letter is missing
// where its name should begin.
func (s *scanner) tag() (htmlTag, bool) {
	slash := strings.HasPrefix(s.rest, "/")
	name := strings.TrimPrefix(s.rest, "/")
	if name == "" || !letter(name[0]) {
		return htmlTag{}, false
	}
	end := strings.IndexAny(name, " \t\r\n\f/>")
	if end < 0 {
		end = len(name)
	}
	s.rest = name[end:]
	t := htmlTag{name: strings.ToLower(name[:end]), attrs: s.attributes()}
	if slash {
		t.name = "/" + t.name
	}
	return t, true
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// attributes reads up to behind the > of a tag.
func (s *scanner) attributes() attributes {
	attrs := make(attributes)
	for {
		s.rest = strings.TrimLeft(s.rest, " \t\r\n\f/")
		if s.rest == "" {
			return attrs
		}
		if s.rest[0] == '>' {
			s.rest = s.rest[1:]
			return attrs
		}
		// A = in front belongs to the name, as browsers have it.
		end := strings.IndexAny(s.rest[1:], " \t\r\n\f/>=") + 1
		if end == 0 {
			end = len(s.rest)
		}
		name := strings.ToLower(s.rest[:end])
		s.rest = strings.TrimLeft(s.rest[end:], " \t\r\n\f")
		value := ""
		if strings.HasPrefix(s.rest, "=") {
			value = s.value()
		}
		if _, twice := attrs[name]; !twice {
			attrs[name] = value
		}
	}
}

// value reads the value of an attribute from its = on.
func (s *scanner) value() string {
	s.rest = strings.TrimLeft(s.rest[1:], " \t\r\n\f")
	if s.rest == "" {
		return ""
	}
	if quote := s.rest[0]; quote == '"' || quote == '\'' {
		value, rest, _ := strings.Cut(s.rest[1:], string(quote))
		s.rest = rest
		return unescape(value)
	}
	end := strings.IndexAny(s.rest, " \t\r\n\f>")
	if end < 0 {
		end = len(s.rest)
	}
	value := s.rest[:end]
	s.rest = s.rest[end:]
	return unescape(value)
}
