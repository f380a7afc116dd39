package standin

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
)

// Garbage is a way in which a body is spoiled.
type Garbage int

const (
	// HTML is the error page of some proxy, as text/html.
	HTML Garbage = iota + 1
	// Truncated is the first half of the body, as if it were all.
	Truncated
	// ByteOrderMark is the body after a UTF-8 byte order mark.
	ByteOrderMark
	// NotUTF8 is bytes that are no text, as JSON.
	NotUTF8
	// DuplicateKeys is JSON that names its tokens twice, with different values and
	// in different case.
	DuplicateKeys
	// DeepNesting is 100,000 open brackets.
	DeepNesting
	// NotANumber is JSON whose expires_in is NaN.
	NotANumber
	// WrongTypes is JSON whose members are all of another type than they should be.
	WrongTypes
	// Null is the JSON text null.
	Null
	// GzipBomb is 64 MiB of spaces, which are less than 128 KiB in gzip.
	GzipBomb
)

// bombMembers is how many MiB a GzipBomb unpacks to.
const bombMembers = 64

// spoil returns what becomes of body, and changes header accordingly.
func (g Garbage) spoil(body []byte, header http.Header) []byte {
	switch g {
	case HTML:
		header.Set("Content-Type", "text/html; charset=utf-8")
		return []byte("<!doctype html><title>502</title><h1>502 Bad Gateway</h1>\n")
	case Truncated:
		return body[:len(body)/2]
	case ByteOrderMark:
		return append([]byte("\ufeff"), body...)
	case GzipBomb:
		header.Set("Content-Encoding", "gzip")
		return bomb()
	}
	header.Set("Content-Type", "application/json")
	return []byte(map[Garbage]string{
		NotUTF8:       "\xff\xfe\x00{\x80\x81}",
		DuplicateKeys: `{"access_token":"a","ACCESS_TOKEN":"b","refresh_token":"c","refresh_token":"d","token_type":"bearer"}`,
		DeepNesting:   strings.Repeat("[", 100_000),
		NotANumber:    `{"access_token":"a","token_type":"bearer","expires_in":NaN}`,
		WrongTypes:    `{"access_token":["a"],"token_type":7,"expires_in":{"s":1},"refresh_token":true,"scope":3.5}`,
		Null:          "null",
	}[g])
}

// bomb packs 1 MiB once and repeats that: the members of a gzip file are unpacked
// one after the other (RFC 1952 section 2.2).
func bomb() []byte {
	var member bytes.Buffer
	// Writing to memory cannot fail.
	w := gzip.NewWriter(&member)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = w.Close()
	return bytes.Repeat(member.Bytes(), bombMembers)
}
