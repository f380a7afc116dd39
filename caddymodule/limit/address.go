package limit

import (
	"net/netip"
	"strings"
)

// noAddress is whoever comes through a unix socket: its peer can choose its path, and must not become another
// caller by that.
const noAddress = "-"

// CallerOfAddress returns the caller for a request that tells no more of its sender than
// the address, with or without a port (http.Request.RemoteAddr). IPv6 addresses are taken together by
// their /64, which is what one subscriber has at least: each of its 2^64 addresses as a caller of its own
// would be no limit. Whatever is no IP address is one caller.
//
// A name may look like an address: whoever counts callers by either adds what tells the two apart.
func CallerOfAddress(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		port, err := netip.ParseAddrPort(addr)
		if err != nil {
			return noAddress
		}
		ip = port.Addr()
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}

// neighbourhood returns the network that a caller belongs to whose name ends with what CallerOfAddress returned: the /16, or the
// /32 of IPv6, which is what a provider has. One customer may have a /48, and the 65536 callers in it. It is empty
// for a caller who is known by something else.
func neighbourhood(caller string) string {
	text := caller[strings.LastIndexByte(caller, ' ')+1:]
	if ip, err := netip.ParseAddr(text); err == nil && ip.Is4() {
		return netip.PrefixFrom(ip, 16).Masked().String()
	}
	if network, err := netip.ParsePrefix(text); err == nil && network.Addr().Is6() {
		return netip.PrefixFrom(network.Addr(), 32).Masked().String()
	}
	return ""
}
