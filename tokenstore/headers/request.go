package headers

// standardRequest always pass. None of them says who the client is or where it sits, nor what else a
// server should take the request for.
var standardRequest = []string{
	// RFC 9110: content, what the client would like, conditions and ranges. Of Via, only what the
	// forwarding server itself adds is to be sent.
	"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Content-Encoding", "Content-Language", "Content-Length",
	"Content-Location", "Content-Range", "Content-Type", "Date", "Expect", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
	"If-Unmodified-Since", "Last-Modified", "Max-Forwards", "Range", "Te", "User-Agent", "Via",
	// RFC 9111.
	"Cache-Control", "Pragma",
	// What opens a WebSocket (RFC 6455). Other upgrades are not to be sent.
	"Connection", "Upgrade", "Sec-Websocket-Extensions", "Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
	// Other RFCs.
	"A-Im",                          // RFC 3229
	"Accept-Datetime",               // RFC 7089
	"Content-Disposition",           // RFC 6266
	"Early-Data",                    // RFC 8470; a server in front says so
	"Content-Digest", "Repr-Digest", // RFC 9530
	"Want-Content-Digest", "Want-Repr-Digest", // RFC 9530
	"Content-Md5", "Digest", "Want-Digest", // what these were before
	"Content-Transfer-Encoding", "Mime-Version", // bodies of mail
	"Link",                                              // RFC 8288
	"Prefer",                                            // RFC 7240
	"Priority",                                          // RFC 9218
	"Slug",                                              // RFC 5023
	"Depth", "If", "Lock-Token", "Overwrite", "Timeout", // RFC 4918; Destination names another path than was checked
	"If-Schedule-Tag-Match", // RFC 6638
	"Last-Event-Id",         // server-sent events

	// Traces and the names of single requests.
	"Baggage", "Traceparent", "Tracestate",
	"Correlation-Id", "Request-Id", "X-Correlation-Id", "X-Request-Id",
	"Idempotency-Key", "X-Idempotency-Key",
	"Repeatability-Client-Id", "Repeatability-First-Sent", "Repeatability-Request-Id",
	"X-Requested-With",

	// Protocols on top of HTTP.
	"Odata-Isolation", "Odata-Maxversion", "Odata-Version", "Dataserviceversion", "Maxdataserviceversion", "Mindataserviceversion",
	"Soapaction",
	"Accept-Profile", "Content-Profile", "Range-Unit", // profiles of content, and PostgREST
	"Accept-Version", "Api-Version",
	"Tus-Resumable", "Upload-Checksum", "Upload-Complete", "Upload-Concat", "Upload-Defer-Length", "Upload-Draft-Interop-Version",
	"Upload-Incomplete", "Upload-Length", "Upload-Metadata", "Upload-Offset",
	"Git-Protocol",
	"Grpc-Accept-Encoding", "Grpc-Encoding", "Grpc-Timeout", "X-Grpc-Web", "X-User-Agent",
	"Connect-Accept-Encoding", "Connect-Content-Encoding", "Connect-Protocol-Version", "Connect-Timeout-Ms",
	"Apollo-Require-Preflight", "Graphql-Preflight",
}

// neverInRequest are credentials, which no list lets through.
var neverInRequest = map[string]bool{"Authorization": true, "Proxy-Authorization": true}

// ofConnection are about one connection, or about how a message is framed on it, in both directions.
var ofConnection = map[string]bool{
	"Connection": true, "Content-Length": true, "Host": true, "Http2-Settings": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Proxy-Authenticate": true, "Proxy-Authentication-Info": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Via": true,
}
