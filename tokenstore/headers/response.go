package headers

// standardResponse always pass. They are about the answer and what it is about, not about the
// origin that it comes from.
var standardResponse = []string{
	// RFC 9110, RFC 9111 and RFC 6455.
	"Accept-Ranges", "Allow", "Authentication-Info", "Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
	"Content-Range", "Content-Type", "Date", "Etag", "Last-Modified", "Location", "Range", "Retry-After", "Server", "Vary", "Via", "Www-Authenticate",
	"Age", "Cache-Control", "Expires", "Pragma", "Warning",
	"Connection", "Upgrade", "Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
	// Other RFCs.
	"Accept-Patch",                  // RFC 5789
	"Accept-Post",                   // Linked Data Platform
	"Cache-Status",                  // RFC 9211
	"Content-Disposition",           // RFC 6266
	"Content-Digest", "Repr-Digest", // RFC 9530
	"Want-Content-Digest", "Want-Repr-Digest", // RFC 9530
	"Content-Md5", "Digest", // what these were before
	"Dav", "Lock-Token", "Ms-Author-Via", // RFC 4918
	"Delta-Base", "Im", // RFC 3229
	"Deprecation", "Sunset", // RFC 9745, RFC 8594
	"Link",                         // RFC 8288
	"Memento-Datetime",             // RFC 7089
	"Mime-Version",                 // bodies of mail
	"Preference-Applied",           // RFC 7240
	"Priority",                     // RFC 9218
	"Schedule-Tag",                 // RFC 6638
	"Signature", "Signature-Input", // RFC 9421

	// What makes a document less able than it would be.
	"Content-Security-Policy", "Cross-Origin-Resource-Policy", "X-Frame-Options",

	// How many requests are left, which one it was, and how long it took.
	"Ratelimit", "Ratelimit-*", "X-Ratelimit-*", "X-Rate-Limit-*",
	"Correlation-Id", "Request-Id", "X-Correlation-Id", "X-Request-Id", "X-Trace-Id", "Traceparent", "Traceresponse", "Tracestate",
	"Idempotency-Key", "Idempotency-Replayed", "Idempotent-Replayed", "Repeatability-Result",
	"Server-Timing", "X-Response-Time", "X-Runtime",
	"X-Total-Count", "X-Total-Pages", "X-Total", "X-Page", "X-Per-Page", "X-Next-Page", "X-Prev-Page", "X-Has-More",

	// Protocols on top of HTTP.
	"Api-Version", "Odata-Entityid", "Odata-Error", "Odata-Version", "Dataserviceversion",
	"Content-Profile", "Preference", "Range-Unit",
	"Tus-*", "Upload-*",
	"Grpc-*", "Connect-*",
}

// neverInResponse are set here for pages, and two of them would not be obeyed.
var neverInResponse = map[string]bool{"X-Content-Type-Options": true}
