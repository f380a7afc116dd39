// Package limit limits how often, and how many at a time, the callers of a route use a connection: the
// JSON and Caddyfile settings that routes have in common, and the Limiter that keeps count.
//
// A rate is a token bucket: of a limit of n requests per window, with a burst of b, at most
// b + n·t/window requests pass in any time t. The burst is n unless it is set, so that whoever
// keeps to n requests in each window is never refused.
//
// The counts are those of one route in one configuration: two routes to one connection
// count apart, and a reload begins anew. Their memory is bounded, whoever calls: see MaxEntries.
package limit
