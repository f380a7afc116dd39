package limit

import (
	"net/netip"
	"testing"
)

func TestCallersAreToldApartByAddress(t *testing.T) {
	for _, tc := range []struct{ name, addr, want string }{
		{"IPv4", "192.0.2.7", "192.0.2.7"},
		{"IPv4 with a port", "192.0.2.7:50000", "192.0.2.7"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.7]:50000", "192.0.2.7"},
		{"IPv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"IPv6 with a port", "[2001:db8:1:2:ffff::1]:50000", "2001:db8:1:2::/64"},
		{"a neighbour of it", "[2001:db8:1:3:ffff::1]:50000", "2001:db8:1:3::/64"},
		{"IPv6 with a zone", "[fe80::1%eth0]:50000", "fe80::/64"},
		{"a unix socket", "@", "-"},
		{"a unix socket that has a name", "/tmp/me.sock", "-"},
		{"nothing", "", "-"},
		{"a name", "localhost:80", "-"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := CallerOfAddress(tc.addr); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// Whoever has a subscription's /64 is one caller with all of it; the port never matters.
func FuzzAnAddressIsOneCallerWithAndWithoutAPort(f *testing.F) {
	f.Add("192.0.2.7", uint16(80))
	f.Add("2001:db8::1", uint16(0))
	f.Add("fe80::1%eth0", uint16(1))
	f.Add("::ffff:1.2.3.4", uint16(1))
	f.Fuzz(func(t *testing.T, addr string, port uint16) {
		caller := CallerOfAddress(addr)
		ip, err := netip.ParseAddr(addr)
		if err != nil {
			return
		}
		if got := CallerOfAddress(netip.AddrPortFrom(ip, port).String()); got != caller {
			t.Errorf("%s with a port is %s", caller, got)
		}
		if ip = ip.Unmap(); ip.Is6() {
			bytes := ip.As16()
			bytes[8] ^= 0xff
			bytes[15] ^= byte(port)
			neighbour := netip.AddrFrom16(bytes)
			if got := CallerOfAddress(neighbour.String()); !neighbour.Is4In6() && got != caller {
				t.Errorf("%s, and another address of its /64 is %s", caller, got)
			}
		}
	})
}

func TestNeighbourhood(t *testing.T) {
	for caller, want := range map[string]string{
		"address " + CallerOfAddress("198.51.100.7:1234"):      "198.51.0.0/16",
		"address " + CallerOfAddress("::ffff:198.51.100.7"):    "198.51.0.0/16",
		"address " + CallerOfAddress("[2001:db8:1:2::3]:1234"): "2001:db8::/32",
		"address " + CallerOfAddress("2001:db8:ffff:ffff::"):   "2001:db8::/32",
		"address " + CallerOfAddress("@"):                      "",
		"key backend":                                          "", "jwt alice": "", "user a b c": "", "": "", " ": "",
	} {
		if got := neighbourhood(caller); got != want {
			t.Errorf("%q: %q, want %q", caller, got, want)
		}
	}
}
