// Package corpus tests what token_proxy makes of requests and answers byte by byte: in a running Caddy, over HTTP/1.1
// and HTTP/2, with TLS and without, against an API that keeps every byte it is sent.
//
// The cases are the files in testdata. A case is a sentence and what goes over the two lines, that of the client and that of
// the API:
//
//	== a slash that is escaped is refused
//	request GET /a%2fb
//	>> nothing
//	< 400
//
//	== a length beside chunks does not count
//	> POST {prefix}/x HTTP/1.1
//	> Host: {site}
//	> Content-Length: 3
//	> Transfer-Encoding: chunked
//	>
//	>| 4\r\nbody\r\n0\r\n\r\n
//	>> POST /v1/x HTTP/1.1
//	>> Transfer-Encoding: chunked
//	>> !Content-Length
//	>>| body
//	< 200
//
// What the client sends is written in one of three ways:
//
//	request GET /x     a request with a Host, in each version of HTTP; after it may come
//	host a.example       another Host, or :authority
//	header Name: value   a header, as often as wanted
//	body text            a body, of which the length is not told by itself
//	> text             a line of HTTP/1.1, which ends with CR and LF
//	>| bytes           bytes of HTTP/1.1 as they are
//	>shut              the client says that it will send no more
//	frame TYPE FLAGS   a frame of HTTP/2; see below
//
// What has to come of it:
//
//	>> GET /v1/x HTTP/1.1  a request that arrives at the API. Each one has to be told, in their order
//	>> Name: value           it has this header once, with this value
//	>> !Name                 it has no such header
//	>>| bytes                its body; >>| alone: it has none
//	>> cut                   it ends too early
//	>> maybe                 it need not arrive: what is wrong with it may be seen before
//	>> nothing             no request arrives
//	>> connections 2       they arrive by so many connections
//	< 200                  an answer that the client gets. Each one has to be told, in their order, interim ones too
//	< 200 cut              one that ends too early
//	< 499|502              one of two, where it depends on what is noticed first
//	< Name: value            it has this header once, with this value
//	< !Name                  it has no such header
//	<| bytes                 its body
//	< closed               Caddy closes the connection without an answer, or without one more
//	< reset CODE           it resets the stream (HTTP/2)
//	< goaway CODE          it gives up the connection (HTTP/2)
//
// A line that begins with <1 or <2 in the place of < is for that version of HTTP only, and one with <bare or <stripped for that
// route. The API answers 200 and "fine", unless the case tells:
//
//	<< text            a line of its answer
//	<<| bytes          bytes of its answer
//	<< next            what follows is the answer to the next request
//	<< close           the API closes the connection then
//
// The places of a case, or of all cases of a file if it is said before the first one:
//
//	on 1               HTTP/1.1 only; on 2: HTTP/2 only; on http1, tls1, h2c, tls2: one of the four
//	route stripped     the route handle_path /dropbox/*; route bare: a route for all paths, which is the default; route both: one after the other, with
//	                   /dropbox before a request's path in the former; route reuse: as bare, with connections to the API that are used again
//
// In all texts, \r \n \t \0 \\ and \xNN are escapes, {a*70000} is an a 70000 times, and these stand for what differs: {site} for the Host, {port} and
// {scheme} of the site, {prefix} for /dropbox or nothing, {api} and {content} for the addresses of the two hosts of the API, of which the first has the path /v1, {token} for the token,
// in what the API answers, and {canary} for a text that must never arrive at the API.
//
// Frames of HTTP/2 begin after the preface and the settings. FLAGS are end, or open for a stream that does not end; headers has the fields that
// follow it:
//
//	frame headers end      field :method GET    one field
//	                       fields GET /x        the four pseudo-header fields of a request
//	frame data end text
//	frame raw 0x6 0x0 0x0 bytes         a frame with its type, flags and stream
//	stream 3                            the frames that follow are of another stream than 1
//
// Whatever a case says, each request that arrives must be framed beyond doubt, have one Authorization, which is ours, and lie below the
// path of its host; the token must be in nothing that the client gets, and in no log.
package corpus
