package tokenstore_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

// serverFault is one thing that goes wrong with the next request to an authorization server. What must come of it
// stands in testdata/faults.txt.
type serverFault struct {
	name  string
	fault standin.Fault
	dial  func(context.Context) error // instead of a connection
}

// serverFaults are those of the network, then those of servers that did nothing, then those of servers that acted and
// spoiled their answer.
func serverFaults() []serverFault {
	return append(append(networkFaults(), refusals()...), spoiledAnswers()...)
}

func networkFaults() []serverFault {
	failing := func(err error) func(context.Context) error {
		return func(context.Context) error { return err }
	}
	const before, after = standin.Before, standin.After
	return []serverFault{
		{name: "nobody listens", dial: failing(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})},
		{name: "no route", dial: failing(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH})},
		{name: "no such host", dial: failing(&net.DNSError{Err: "no such host", IsNotFound: true})},
		{name: "a resolver that does not answer", dial: failing(&net.DNSError{Err: "i/o timeout", IsTimeout: true})},
		{name: "a connection that never comes about", dial: func(context.Context) error {
			time.Sleep(time.Minute) // net/http lets a dial go on by itself
			return syscall.ETIMEDOUT
		}},
		{name: "cut before the server acted", fault: standin.Fault{Stage: before, Cut: true}},
		{name: "cut after the server acted", fault: standin.Fault{Stage: after, Cut: true}},
		{name: "cut within the status line", fault: standin.Fault{Stage: after, Cut: true, CutAfter: 9}},
		{name: "cut within the headers", fault: standin.Fault{Stage: after, Cut: true, CutAfter: 40}},
		{name: "cut within the body", fault: standin.Fault{Stage: after, Cut: true, CutAfter: 150}},
		{name: "cut at the last byte", fault: standin.Fault{Stage: after, Cut: true, CutAfter: 1 << 20, Header: http.Header{"Content-Length": {"9999"}}}},
		{name: "an answer after fifteen seconds", fault: standin.Fault{Stage: before, Delay: 15 * time.Second}},
		{name: "no answer, and nothing done", fault: standin.Fault{Stage: before, Delay: time.Hour, Status: 503}},
		{name: "no answer, and all done", fault: standin.Fault{Stage: after, Delay: time.Hour}},
		{name: "a byte a second", fault: standin.Fault{Stage: after, Drip: time.Second}},
		{name: "a body without end", fault: standin.Fault{Stage: after, Endless: true}},
		{name: "a body of a gigabyte", fault: standin.Fault{Stage: after, Size: 1 << 30}},
		{name: "headers of a hundred kilobytes", fault: standin.Fault{Stage: after, Header: http.Header{"X-More": {strings.Repeat("x", 100_000)}}, Status: 200}},
	}
}

func refusals() []serverFault {
	answer := func(name string, status int, body string, header ...string) serverFault {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return serverFault{name: name, fault: standin.Fault{Status: status, Body: body, NoBody: body == "", Header: h, ContentType: "application/json"}}
	}
	redirect := func(name string, status int) serverFault {
		return serverFault{name: name, fault: standin.Fault{Status: status, Redirect: "http://127.0.0.1:1/elsewhere"}}
	}
	return []serverFault{
		answer("invalid_grant", 400, `{"error":"invalid_grant"}`),
		answer("invalid_grant with status 200", 200, `{"error":"invalid_grant"}`),
		answer("invalid_grant with status 401", 401, `{"error":"invalid_grant"}`),
		answer("invalid_grant with status 429", 429, `{"error":"invalid_grant"}`),
		answer("invalid_grant with status 500", 500, `{"error":"invalid_grant"}`),
		answer("half of an invalid_grant", 400, `{"error":"invalid_grant"`),
		answer("invalid_grant below the top", 400, `{"error":{"code":"invalid_grant"}}`),
		answer("invalid_client", 401, `{"error":"invalid_client"}`),
		answer("invalid_client with status 400", 400, `{"error":"invalid_client"}`),
		answer("unauthorized_client", 400, `{"error":"unauthorized_client"}`),
		answer("invalid_scope", 400, `{"error":"invalid_scope"}`),
		answer("unsupported_grant_type", 400, `{"error":"unsupported_grant_type"}`),
		answer("unsupported_token_type", 400, `{"error":"unsupported_token_type"}`),
		answer("invalid_request", 400, `{"error":"invalid_request"}`),
		answer("access_denied", 400, `{"error":"access_denied"}`),
		answer("a code that is a sentence", 400, `{"error":"this token is bad"}`),
		answer("a 401 without a code", 401, `no`),
		answer("a 403 of a gateway", 403, `<html>no VPN</html>`),
		answer("a 404", 404, `not found`),
		answer("a 405", 405, ``),
		answer("a 408", 408, ``),
		answer("a 413", 413, ``),
		answer("a 418", 418, `short and stout`),
		answer("a 425", 425, ``),
		answer("a 429", 429, ``),
		answer("a 429 that asks for two minutes", 429, ``, "Retry-After", "120"),
		answer("a 429 that asks for a century", 429, ``, "Retry-After", "3153600000"),
		answer("a 429 that asks for nonsense", 429, ``, "Retry-After", "soon"),
		answer("a 500", 500, ``),
		answer("server_error", 500, `{"error":"server_error"}`),
		answer("a 501", 501, ``),
		answer("a 502 of a gateway", 502, `<html>Bad Gateway</html>`),
		answer("a 503", 503, `busy`),
		answer("a 503 that asks for a minute", 503, ``, "Retry-After", "60"),
		answer("a 504", 504, ``),
		answer("a 511 of a captive portal", 511, `<html>log in</html>`),
		answer("a status that does not exist", 799, ``),
		answer("a login page with status 200", 200, `<html>log in</html>`),
		answer("a 304", 304, ``),
		redirect("a 301", 301),
		redirect("a 302", 302),
		redirect("a 303", 303),
		redirect("a 307", 307),
		redirect("a 308", 308),
	}
}

func spoiledAnswers() []serverFault {
	// spoiled changes what the server wrote, if it is a token answer.
	spoiled := func(name string, rewrite func([]byte) []byte) serverFault {
		return serverFault{name: name, fault: standin.Fault{Stage: standin.After, Rewrite: func(b []byte) []byte {
			if !bytes.Contains(b, []byte(`"access_token"`)) {
				return b
			}
			return rewrite(b)
		}}}
	}
	// lifetime gives expires_in another value.
	lifetime := func(name, value string) serverFault {
		return spoiled(name, func(b []byte) []byte { return bytes.Replace(b, []byte(`:14400`), []byte(`:`+value), 1) })
	}
	more := func(name, members string) serverFault {
		return spoiled(name, func(b []byte) []byte { return bytes.Replace(b, []byte(`{`), []byte(`{`+members+`,`), 1) })
	}
	acted := func(name string, f standin.Fault) serverFault {
		f.Stage = standin.After
		return serverFault{name: name, fault: f}
	}
	return []serverFault{
		lifetime("expires_in is empty", `""`),
		lifetime("expires_in is a float", `3600.0`),
		lifetime("expires_in is a string", `"3600"`),
		lifetime("expires_in is negative", `-1`),
		lifetime("expires_in is enormous", `1e300`),
		lifetime("expires_in is null", `null`),
		lifetime("expires_in is NaN", `NaN`),
		lifetime("expires_in is an object", `{"s":1}`),
		lifetime("expires_in has no value", ``),
		more("expires_in twice", `"expires_in":7`),
		more("the access token twice", `"access_token":"another"`),
		more("the access token in two cases", `"Access_Token":"another"`),
		more("the refresh token twice", `"refresh_token":"another"`),
		more("an error beside the tokens", `"error":"invalid_grant"`),
		more("an empty error beside the tokens", `"error":""`),
		more("a member of 100 kB", `"x":"`+strings.Repeat("x", 100_000)+`"`),
		spoiled("no access token", func(b []byte) []byte { return renamed(b, "access_token", "no") }),
		spoiled("no refresh token", func(b []byte) []byte { return renamed(b, "refresh_token", "no") }),
		spoiled("no token type", func(b []byte) []byte { return renamed(b, "token_type", "no") }),
		spoiled("names in capitals", func(b []byte) []byte {
			return renamed(renamed(b, "access_token", "ACCESS_TOKEN"), "refresh_token", "REFRESH_TOKEN")
		}),
		spoiled("a list of answers", func(b []byte) []byte { return append(append([]byte("["), b...), ']') }),
		spoiled("tokens below the top", func(b []byte) []byte { return append(append([]byte(`{"data":`), b...), '}') }),
		spoiled("one brace too many", func(b []byte) []byte { return append(b, '}') }),
		spoiled("no last brace", func(b []byte) []byte { return bytes.TrimRight(b, "}\r\n ") }),
		acted("no body", standin.Fault{NoBody: true}),
		acted("half of the body as if it were all", standin.Fault{Garbage: standin.Truncated}),
		acted("a byte order mark", standin.Fault{Garbage: standin.ByteOrderMark}),
		acted("bytes that are no text", standin.Fault{Garbage: standin.NotUTF8}),
		acted("a hundred thousand brackets", standin.Fault{Garbage: standin.DeepNesting}),
		acted("members of other types", standin.Fault{Garbage: standin.WrongTypes}),
		acted("null", standin.Fault{Garbage: standin.Null}),
		acted("a gzip bomb", standin.Fault{Garbage: standin.GzipBomb}),
		acted("an HTML page in place of the answer", standin.Fault{Garbage: standin.HTML}),
		acted("JSON as text/plain", standin.Fault{ContentType: "text/plain"}),
		acted("JSON as a form", standin.Fault{ContentType: "application/x-www-form-urlencoded"}),
		acted("no content type", standin.Fault{Header: http.Header{"Content-Type": nil}}),
		acted("two megabytes of spaces behind it", standin.Fault{Size: 2 << 20}),
		acted("the answer with status 201", standin.Fault{Status: 201}),
		acted("the answer with status 400", standin.Fault{Status: 400}),
		acted("the answer with status 500", standin.Fault{Status: 500}),
		acted("the answer with status 302", standin.Fault{Status: 302, Redirect: "http://127.0.0.1:1/elsewhere"}),
		acted("a 500 in place of the answer", standin.Fault{Status: 500, NoBody: true}),
		acted("a 204 in place of the answer", standin.Fault{Status: 204, NoBody: true}),
	}
}
