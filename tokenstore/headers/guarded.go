package headers

import "strings"

// guardedRequest reports whether a request header, by its canonical name, has to be listed by that name. It errs towards yes: a name
// that is guarded for nothing can be written out, and one that is not may open a door.
func guardedRequest(name string) bool {
	return neverInRequest[name] || ofConnection[name] || IsForwarding(name) ||
		hasPrefix(name, "Sec-", "Access-Control-", "Proxy-") || speaksOf(name, clientWords)
}

// clientWords stand in the names of headers that are credentials, that say for whom, from where or on whose account
// a request is, or that name another method, host or path than the ones that were checked.
var clientWords = []string{
	"account", "admin", "apikey", "assertion", "auth", "behalf", "cert", "clientip", "cookie", "credential", "csrf", "delegat", "forward",
	"group", "host", "identity", "impersonat", "jwt", "key", "member", "method", "originalur", "originating", "override", "passphrase", "passw",
	"principal", "realip", "remoteaddr", "remoteip", "rewriteur", "role", "secret", "session", "sudo", "tenant", "token", "user", "xsrf",
}

// guardedResponse reports whether a response header, by its canonical name, has to be listed by that name.
func guardedResponse(name string) bool {
	return neverInResponse[name] || ofConnection[name] ||
		hasPrefix(name, "Access-Control-", "Sec-", "Set-", "Proxy-") || speaksOf(name, originWords)
}

// originWords stand in the names of headers that speak for an origin, to browsers, or to servers and caches that are on our
// side: cookies and sessions, policies that hold for all of its pages, and files to send in place of the answer.
var originWords = []string{
	"accel", "acceptch", "activatestorage", "agentcluster", "altsvc", "alternateprotocol", "attributionreporting", "browsingtopics", "cachecontrol", "clearsite",
	"contentsecurity", "cookie", "crossdomain", "crossorigin", "contenttypeoptions", "csp", "dictionary", "dnsprefetch", "edgecontrol", "embedder", "expectct", "forward",
	"internalredirect", "lighttpd", "litespeed", "loadingmode", "opener", "originpolicy", "origintrial", "permissionspolicy", "publickeypins", "referrerpolicy", "refresh",
	"reporting", "reportto", "reproxy", "sendfile", "serviceworker", "session", "setlogin", "sourcemap", "speculation", "storageaccess", "stricttransport", "surrogate",
	"timingallow", "uacompatible", "webkit", "xssprotection",
}

// speaksOf reports whether one of the words stands in a name, hyphens left out.
func speaksOf(name string, words []string) bool {
	squeezed := strings.ToLower(strings.ReplaceAll(name, "-", ""))
	for _, word := range words {
		if strings.Contains(squeezed, word) {
			return true
		}
	}
	return false
}

func hasPrefix(name string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
