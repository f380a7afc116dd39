// Package forward lets requests use a connection without ever seeing its token.
//
// It has three Caddy modules, and the directive token_proxy, which makes them:
//
//   - the handler token_guard decides whether a request may be forwarded, and points
//     it at the host of the API that its path asks for;
//   - the handler token_forward sends it there and passes the answer on. Where a route asks
//     for more than that, such as load balancing, Caddy's own reverse_proxy is in its place;
//   - the transport token_store, which runs within either, checks
//     where the request really goes, attaches the token to a copy that nothing else
//     in Caddy sees, and sends the request again, once, if the API refuses the token.
package forward
