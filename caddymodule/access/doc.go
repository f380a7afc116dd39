// Package access says who may use a connection through a route: the JSON and Caddyfile settings that
// routes have in common, who a caller is as far as no web page can forge it, and CORS.
//
// A request that is not allowed is refused, whatever its method: a missing CORS header alone
// would only hide the answer, and the request would have had its effect.
package access
