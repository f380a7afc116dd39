package dial_test

import (
	"net/netip"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
)

func TestPublic(t *testing.T) {
	tests := map[bool][]string{
		true: {
			"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
			"168.63.129.15", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
			"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
			"::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
			"2000::", "2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "3fff:1000::1",
		},
		false: {
			"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
			"127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
			"192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "192.175.48.1",
			"198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
			"::", "::1", "::7f00:1", "::8.8.8.8", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
			"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::168.63.129.16", "64:ff9b:1::8.8.8.8",
			"100::1", "100:0:0:1::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:30::1", "2001:db8::1",
			"2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1",
			"fc00::1", "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fe80::1%lo", "2606:4700::1111%eth0", "fec0::1", "ff02::1", "ff0e::1",
		},
	}
	for want, addresses := range tests {
		for _, a := range addresses {
			if got := dial.Public(netip.MustParseAddr(a)); got != want {
				t.Errorf("Public(%s) = %t", a, got)
			}
		}
	}
	if dial.Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

// FuzzMappedAddressesAreJudgedAsIPv4 also compares with what net/netip knows.
func FuzzMappedAddressesAreJudgedAsIPv4(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{8, 8, 8, 8})
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		if dial.Public(a) != dial.Public(a.Unmap()) || dial.Public(a) != dial.Public(netip.AddrFrom16(a.As16())) {
			t.Errorf("%s is public in one spelling only", a)
		}
		if u := a.Unmap(); dial.Public(a) && (!u.IsGlobalUnicast() || u.IsPrivate() || u.IsLoopback()) {
			t.Errorf("%s is public", a)
		}
	})
}
