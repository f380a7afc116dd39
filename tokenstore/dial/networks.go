package dial

import "net/netip"

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")     // RFC 4291
	nat64         = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052

	special4 = prefixes(
		"0.0.0.0/8",       // this network (RFC 791); Linux takes 0.0.0.0 for 127.0.0.1
		"10.0.0.0/8",      // private use (RFC 1918)
		"100.64.0.0/10",   // shared address space of carriers (RFC 6598)
		"127.0.0.0/8",     // loopback (RFC 1122)
		"169.254.0.0/16",  // link-local (RFC 3927)
		"172.16.0.0/12",   // private use (RFC 1918)
		"192.0.0.0/24",    // IETF protocol assignments (RFC 6890)
		"192.0.2.0/24",    // documentation (RFC 5737)
		"192.31.196.0/24", // AS112 (RFC 7535)
		"192.52.193.0/24", // AMT (RFC 7450)
		"192.88.99.0/24",  // 6to4 relays (RFC 7526)
		"192.168.0.0/16",  // private use (RFC 1918)
		"192.175.48.0/24", // AS112 (RFC 7534)
		"198.18.0.0/15",   // benchmarking (RFC 2544)
		"198.51.100.0/24", // documentation (RFC 5737)
		"203.0.113.0/24",  // documentation (RFC 5737)
		"224.0.0.0/4",     // multicast (RFC 5771)
		"240.0.0.0/4",     // reserved (RFC 1112), and 255.255.255.255, broadcast
	)

	// special6 are those within globalUnicast: loopback, unique local, link-local, site-local, multicast, discard-only and
	// IPv4-compatible addresses are not.
	special6 = prefixes(
		"2001::/23",         // IETF protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID and others
		"2001:db8::/32",     // documentation (RFC 3849)
		"2002::/16",         // 6to4 (RFC 3056)
		"2620:4f:8000::/48", // AS112 (RFC 7534)
		"3fff::/20",         // documentation (RFC 9637)
	)

	privateNetworks = prefixes(
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
		"::1/128",  // loopback (RFC 4291)
		"fc00::/7", // unique local (RFC 4193)
	)

	// metadata are the places, beside the link-local ones, at which a machine in a cloud gets its credentials or commands.
	metadata = prefixes(
		"100.100.100.200/32", // Alibaba Cloud
		"168.63.129.16/32",   // Azure
		"fd00:ec2::/32",      // AWS
		"fd00:42::42/128",    // Scaleway
		"fd00:c1::/32",       // Oracle Cloud
		"fd20:ce::254/128",   // Google Cloud
	)
)
