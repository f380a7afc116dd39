package dial

import (
	"net/netip"
	"slices"
)

// Public reports whether a belongs to a host on the internet. It goes by IANA's registries of special-purpose addresses
// (RFC 6890; https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry), of multicast addresses, and of the IPv6 address space, of
// which 2000::/3 alone is handed out for hosts. An address with a zone is never public.
//
// Of those IPv6 addresses that stand for an IPv4 one, the IPv4-mapped ones and those of NAT64 with the well-known prefix (RFC
// 6052) are judged as that; a host without IPv4 reaches half of the internet by the latter. 6to4 and Teredo are refused:
// both are given up, and their addresses could lead back inside. Refused are also the addresses at which clouds
// serve their machines, one of which the registries know as anybody's.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = plain(a)
	switch {
	case within(a, metadata):
		return false
	case a.Is4():
		return !within(a, special4)
	}
	return globalUnicast.Contains(a) && !within(a, special6)
}

// private reports whether a is of this machine or of a network that somebody runs for themselves. Link-local addresses are
// not among them: what is served there is a machine's credentials rather than an API.
func private(a netip.Addr) bool {
	a = plain(a)
	return within(a, privateNetworks) && !within(a, metadata)
}

// plain returns the IPv4 address that a stands for, or else a itself.
func plain(a netip.Addr) netip.Addr {
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a.Unmap()
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}
