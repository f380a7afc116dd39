package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// message is a request as it is on the line.
type message struct {
	line   string
	fields [][2]string
	body   string
	cut    bool // it ends too early
}

// values returns the values of all fields of that name.
func (m *message) values(name string) []string {
	var all []string
	for _, f := range m.fields {
		if strings.EqualFold(f[0], name) {
			all = append(all, f[1])
		}
	}
	return all
}

func (m *message) target() string {
	_, rest, _ := strings.Cut(m.line, " ")
	target, _, _ := strings.Cut(rest, " ")
	return target
}

var errEndsEarly = errors.New("ends too early")

// readMessages reads the requests that stand in b by the letter of RFC 9112, and nothing that
// is merely tolerated. It knows nothing of net/http, which everything else here is made of.
func readMessages(b []byte) ([]*message, error) {
	var all []*message
	for len(b) > 0 {
		m, rest, err := readMessage(b)
		if m != nil {
			m.cut = errors.Is(err, errEndsEarly)
			all = append(all, m)
		}
		if err != nil && (m == nil || !m.cut) {
			return all, err
		}
		b = rest
	}
	return all, nil
}

func readMessage(b []byte) (*message, []byte, error) {
	head, rest, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	if !whole {
		return &message{line: string(head)}, nil, errEndsEarly
	}
	lines := strings.Split(string(head), "\r\n")
	m := &message{line: lines[0]}
	parts := strings.Split(m.line, " ")
	if len(parts) != 3 || !isToken(parts[0]) || parts[2] != "HTTP/1.1" || !isTarget(parts[1]) {
		return nil, nil, fmt.Errorf("request line %q", m.line)
	}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !isToken(name) || !isValue(value) {
			return nil, nil, fmt.Errorf("header line %q", line)
		}
		m.fields = append(m.fields, [2]string{name, value})
	}
	return m.readBody(rest)
}

func (m *message) readBody(b []byte) (*message, []byte, error) {
	lengths, codings := m.values("Content-Length"), m.values("Transfer-Encoding")
	switch {
	case len(lengths)+len(codings) > 1:
		return nil, nil, fmt.Errorf("lengths %q and codings %q", lengths, codings)
	case len(codings) == 1:
		if codings[0] != "chunked" {
			return nil, nil, fmt.Errorf("coding %q", codings[0])
		}
		return m.readChunks(b)
	case len(lengths) == 0:
		return m, b, nil
	}
	n, err := strconv.ParseUint(lengths[0], 10, 31)
	if err != nil || strings.Trim(lengths[0], "0123456789") != "" {
		return nil, nil, fmt.Errorf("length %q", lengths[0])
	}
	if uint64(len(b)) < n {
		m.body = string(b)
		return m, nil, errEndsEarly
	}
	m.body = string(b[:n])
	return m, b[n:], nil
}

func (m *message) readChunks(b []byte) (*message, []byte, error) {
	for {
		size, rest, whole := bytes.Cut(b, []byte("\r\n"))
		if !whole {
			return m, nil, errEndsEarly
		}
		n, err := strconv.ParseUint(string(size), 16, 31)
		if err != nil || strings.Trim(string(size), "0123456789abcdefABCDEF") != "" {
			return nil, nil, fmt.Errorf("chunk size %q", size)
		}
		if uint64(len(rest)) < n+2 {
			m.body += string(rest[:min(uint64(len(rest)), n)])
			return m, nil, errEndsEarly
		}
		if string(rest[n:n+2]) != "\r\n" { // after the last chunk, that is a trailer
			return nil, nil, fmt.Errorf("chunk of %d bytes is followed by %q", n, rest[n:])
		}
		m.body += string(rest[:n])
		b = rest[n+2:]
		if n == 0 {
			return m, b, nil
		}
	}
}

func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func isTarget(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c == 0x7f || c == '#' {
			return false
		}
	}
	return strings.HasPrefix(s, "/")
}

func isValue(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
