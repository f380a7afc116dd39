package limit

import "net/netip"

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
