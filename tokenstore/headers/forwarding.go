package headers

import "strings"

// IsForwarding reports whether a request header, by its name in canonical form, is one that proxies, tunnels
// and content delivery networks add to what they pass on: it tells on whose behalf a request comes,
// or by which way. Programs that speak for themselves send none of these.
//
// Via is among them, and so is what Caddy's own templates mark the requests with that they make up.
func IsForwarding(name string) bool {
	switch name {
	case "Accept", "Accept-Encoding", "Accept-Language", "Content-Length", "Content-Type", "User-Agent":
		return false // nearly every request has them: spare them the look-ups
	}
	if forwardingHeaders[name] {
		return true
	}
	for _, prefix := range forwardingPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// forwardingPrefixes begin the names of families of such headers.
var forwardingPrefixes = [...]string{
	"X-Forwarded-",
	"X-Original-Forwarded-",
	"X-Azure-",    // Front Door
	"X-Envoy-",    // Envoy and the meshes that are made of it
	"X-Vercel-",   // Vercel
	"Cloudfront-", // Amazon CloudFront
	"Fly-",        // Fly.io
	"Ngrok-",      // ngrok
	"Tailscale-",  // Tailscale's serve and funnel
}

// forwardingHeaders are such headers that belong to no family, or to one that has headers of
// clients in it.
var forwardingHeaders = map[string]bool{
	"Forwarded":   true, // RFC 7239
	"Via":         true, // RFC 9110 section 7.6.3
	"Cdn-Loop":    true, // RFC 8586
	"X-Forwarded": true,

	"Client-Ip":           true,
	"Proxy-Client-Ip":     true,
	"True-Client-Ip":      true,
	"Wl-Proxy-Client-Ip":  true,
	"X-Client-Ip":         true,
	"X-Cluster-Client-Ip": true,
	"X-Originating-Ip":    true,
	"X-Proxyuser-Ip":      true,
	"X-Real-Ip":           true,
	"X-Remote-Addr":       true,
	"X-Remote-Ip":         true,

	"Akamai-Origin-Hop":         true,
	"Cf-Connecting-Ip":          true, // Cloudflare, also its tunnels
	"Cf-Connecting-Ipv6":        true,
	"Cf-Ipcountry":              true,
	"Cf-Pseudo-Ipv4":            true,
	"Cf-Ray":                    true,
	"Cf-Visitor":                true,
	"Cf-Worker":                 true,
	"Do-Connecting-Ip":          true, // DigitalOcean
	"Fastly-Client-Ip":          true,
	"Fastly-Ff":                 true,
	"Incap-Client-Ip":           true, // Imperva
	"X-Amz-Cf-Id":               true, // Amazon CloudFront
	"X-Appengine-User-Ip":       true,
	"X-Arr-Log-Id":              true, // Microsoft's Application Request Routing
	"X-Nf-Client-Connection-Ip": true, // Netlify
	"X-Varnish":                 true,

	"Caddy-Templates-Include": true,
}
