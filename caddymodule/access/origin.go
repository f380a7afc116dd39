package access

import (
	"net/netip"
	"strings"
)

// longestOrigin bounds what is looked at: the name of a host has 253 characters at most.
const longestOrigin = 512

// isOrigin reports whether s is an origin as browsers write it (WHATWG HTML, "serialization of an
// origin"): a scheme, a host, and a port if it is not the scheme's own, in lower case. A pattern for subdomains
// would match whatever stands before its dot.
func isOrigin(s string) bool {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || len(s) > longestOrigin || !madeOf(scheme, "+-.") {
		return false
	}
	if literal, bracketed := strings.CutPrefix(rest, "["); bracketed {
		host, behind, _ := strings.Cut(literal, "]")
		port, hasPort := strings.CutPrefix(behind, ":")
		return isIPv6(host) && (behind == "" || hasPort && isPort(port))
	}
	host, port, hasPort := strings.Cut(rest, ":")
	return isHost(host) && (!hasPort || isPort(port))
}

// isHost reports whether s is made of labels, a dot between two of them. Browsers take
// an underscore in a label, too.
func isHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if !madeOf(label, "-_") {
			return false
		}
	}
	return true
}

func isIPv6(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}

// isPort also refuses a zero before the number.
func isPort(s string) bool {
	if s == "" || len(s) > 5 || s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// madeOf reports whether s has lower-case letters, digits and those others alone, and something of it.
func madeOf(s, others string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return s != ""
}
