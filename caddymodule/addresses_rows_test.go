package caddymodule

import "github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial/dialtest"

// addressRow is what DNS says of a host, all of which is refused.
type addressRow struct {
	why     string
	host    string // "" for one that says nothing of itself
	answer  dialtest.Answer
	private bool // the operator has declared the host private
	// odd names are refused as well if they cannot be configured, or do not exist for Go.
	odd bool
}

func addressRows() []addressRow {
	rows := []addressRow{
		{why: "two private addresses", answer: dialtest.Always("10.0.0.1", "192.168.1.1")},
		{why: "this machine twice", answer: dialtest.Always("127.0.0.1", "::1")},
		{why: "all that is inside", answer: dialtest.Always("10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "fc00::1", "fe80::1")},
		{why: "the same address many times", answer: dialtest.Always("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1")},
		{why: "another address inside each time", answer: turning("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1")},
		{why: "no address at first, and then this machine", answer: turning("", "127.0.0.1"), odd: true},

		{why: "declared private, and a cloud's secrets", answer: dialtest.Always("169.254.169.254"), private: true},
		{why: "declared private, and a cloud's secrets by IPv6", answer: dialtest.Always("fd00:ec2::254"), private: true},
		{why: "declared private, and those of Alibaba's cloud", answer: dialtest.Always("100.100.100.200"), private: true},
		{why: "declared private, and those of Azure", answer: dialtest.Always("168.63.129.16"), private: true},
		{why: "declared private, and those of Oracle's cloud", answer: dialtest.Always("fd00:c1::a9fe:a9fe"), private: true},
		{why: "declared private, and those of Google's cloud", answer: dialtest.Always("fd20:ce::254"), private: true},
		{why: "declared private, and those of a task at AWS", answer: dialtest.Always("169.254.170.2"), private: true},
		{why: "declared private, and a cloud's secrets in disguise", answer: dialtest.Always("::ffff:169.254.169.254", "64:ff9b::169.254.169.254"), private: true},
		{why: "declared private, and multicast", answer: dialtest.Always("224.0.0.1", "ff02::1"), private: true},
		{why: "declared private, and no address at all", answer: dialtest.Always("0.0.0.0", "::"), private: true},
		{why: "declared private, and link-local", answer: dialtest.Always("fe80::1", "169.254.1.1"), private: true},
	}
	for _, address := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.0.0.2", "127.255.255.254",
		"168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255",
		"198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:0:127.0.0.1", "::127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8",
		"100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1",
		"fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
	} {
		rows = append(rows, addressRow{why: "the address " + address, answer: dialtest.Always(address)})
	}
	for _, name := range []string{
		"localhost.", "evil.localhost", "localhost.localdomain", "ip6-localhost", "127.0.0.1.nip.io", "metadata", "metadata.google.internal", "instance-data", "kubernetes.default.svc",
		"host.docker.internal", "0x7f.0.0.1", "0x7f000001", "2130706433", "127.1", "0177.0.0.1", "127.000.000.001", "127.0.0.1.", "xn--bcher-kva.example", "API.Example.COM", "a_b.example",
	} {
		rows = append(rows, addressRow{why: "the name " + name, host: name, answer: dialtest.Always("127.0.0.1"), odd: true})
	}
	return rows
}
