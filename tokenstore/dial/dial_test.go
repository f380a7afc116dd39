package dial_test

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial"
	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/dial/dialtest"
)

// doorbell counts the connections that arrive at a port of this machine, by IPv4 and IPv6.
type doorbell struct {
	port string
	rung atomic.Int32
}

func newDoorbell(t *testing.T) *doorbell {
	t.Helper()
	b := new(doorbell)
	four := b.listen(t, "127.0.0.1:0")
	_, b.port, _ = net.SplitHostPort(four)
	b.listen(t, net.JoinHostPort("::1", b.port))
	return b
}

func (b *doorbell) listen(t *testing.T, address string) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.rung.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

const onlyIPv6 = "six.example.com"

// call dials, and tells what came of it in a word. From 127.0.0.1, nothing leaves this machine, whatever a test asks for.
func (b *doorbell) call(t *testing.T, p dial.Policy, host string, dns *net.Resolver) string {
	t.Helper()
	d := &net.Dialer{Timeout: 5 * time.Second, Resolver: dns, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	if strings.Contains(host, ":") || host == onlyIPv6 {
		d.LocalAddr = nil // it is an address of this machine, or must be refused
	}
	before := b.rung.Load()
	conn, err := p.DialContext(t.Context(), d, "tcp", net.JoinHostPort(host, b.port))
	if err == nil {
		_, _ = conn.Read(make([]byte, 1)) // until it has been counted
		_ = conn.Close()
		return "connected"
	}
	if n := b.rung.Load() - before; n > 0 {
		t.Errorf("%s: %d connections have arrived", host, n)
	}
	if refused, ok := errors.AsType[*dial.RefusedError](err); ok {
		if refused.Host != host || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), "private") {
			t.Errorf("%s: the error is %v", host, err)
		}
		return "refused"
	}
	return "unreachable"
}

func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	b := newDoorbell(t)
	for _, host := range []string{
		"0.0.0.0", "127.0.0.1", "127.0.0.2", "127.255.255.254", "10.0.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16", "169.254.169.254", "169.254.170.2",
		"172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0.0.0.0", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "2002:7f00:1::", "2001:0:7f00:1::", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1%lo", "fec0::1", "ff02::1",
	} {
		if got := b.call(t, dial.Policy{}, host, nil); got != "refused" {
			t.Errorf("%s: %s", host, got)
		}
	}
}

// Some resolvers take the old spellings of addresses for addresses; so does this one.
func TestNamesThatLeadInsideAreRefused(t *testing.T) {
	b := newDoorbell(t)
	dns := dialtest.Start(t, dialtest.Always("127.0.0.1")).Resolver()
	for _, host := range []string{
		"localhost", "LOCALHOST", "localhost.", "evil.localhost", "localhost.localdomain", "ip6-loopback", "api.example.com", "api.example.com.", "API.Example.COM",
		"0x7f.0.0.1", "0x7f000001", "0x7f.1", "127.0.0.1.nip.io", "metadata", "metadata.google.internal", "instance-data", "kubernetes.default.svc", "xn--bcher-kva.example",
	} {
		if got := b.call(t, dial.Policy{}, host, dns); got != "refused" {
			t.Errorf("%s: %s", host, got)
		}
	}
	// Go's own resolver takes these neither for addresses nor for names.
	for _, host := range []string{"127.1", "127.0.1", "0177.0.0.1", "2130706433", "127.0.0.1.", "127.000.000.001", "00"} {
		if got := b.call(t, dial.Policy{}, host, dns); got == "connected" {
			t.Errorf("%s: %s", host, got)
		}
	}
}

func TestWhatADNSServerMaySay(t *testing.T) {
	const public = "93.184.215.14"
	tests := map[string]struct {
		answer  dialtest.Answer
		private bool
		want    []string // of one call after the other
	}{
		"a public address, and then this machine":      {dialtest.Rebind(public, "127.0.0.1"), false, []string{"unreachable", "refused", "refused"}},
		"a public address, and then a cloud's secrets": {dialtest.Rebind(public, "169.254.169.254"), false, []string{"unreachable", "refused"}},
		"both at once":                      {dialtest.Always(public, "127.0.0.1"), false, []string{"unreachable"}},
		"both at once, the other way round": {dialtest.Always("127.0.0.1", public), false, []string{"unreachable"}},
		"this machine by IPv6":              {dialtest.Always("::1"), false, []string{"unreachable"}},
		"this machine in disguise":          {dialtest.Always("::ffff:127.0.0.1"), false, []string{"refused"}},
		"two private addresses":             {dialtest.Always("10.0.0.1", "127.0.0.1"), false, []string{"refused"}},
		"no name":                           {dialtest.Always(), false, []string{"unreachable"}},

		"this machine, which is declared":                   {dialtest.Always("127.0.0.1"), true, []string{"connected"}},
		"a cloud's secrets, whatever is declared":           {dialtest.Always("169.254.169.254"), true, []string{"refused"}},
		"more of a cloud's secrets":                         {dialtest.Always("100.100.100.200", "168.63.129.16", "169.254.170.2"), true, []string{"refused"}},
		"a refused address, and then one that is not":       {dialtest.Always("169.254.169.254", "127.0.0.1"), true, []string{"connected"}},
		"one that is not refused, and then a refused one":   {dialtest.Always("127.0.0.1", "169.254.169.254"), true, []string{"connected"}},
		"a declared network, and later a cloud's secrets":   {dialtest.Rebind("127.0.0.1", "169.254.169.254"), true, []string{"connected", "refused"}},
		"a declared network, and then addresses of nobody":  {dialtest.Rebind("127.0.0.1", "0.0.0.0", "240.0.0.1", "224.0.0.1"), true, []string{"connected", "refused"}},
		"addresses for documentation, whatever is declared": {dialtest.Always("192.0.2.1", "198.51.100.1"), true, []string{"refused"}},
	}
	b := newDoorbell(t)
	if got := b.call(t, dial.Policy{}, onlyIPv6, dialtest.Start(t, dialtest.Always("::1")).Resolver()); got != "refused" {
		t.Errorf("this machine by IPv6: %s", got)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := dialtest.Start(t, tt.answer).Resolver()
			for i, want := range tt.want {
				if got := b.call(t, dial.NewPolicy(tt.private), "api.example.com", server); got != want {
					t.Errorf("call %d: %s, want %s", i+1, got, want)
				}
			}
		})
	}
}

func TestWhatAURLDeclares(t *testing.T) {
	b := newDoorbell(t)
	dns := dialtest.Start(t, dialtest.Always("127.0.0.1")).Resolver()
	tests := map[string]struct {
		url, host string
		want      string
	}{
		"an address":                            {"http://127.0.0.1:PORT/x", "127.0.0.1", "connected"},
		"an address in another spelling":        {"http://[::ffff:127.0.0.1]:PORT/x", "127.0.0.1", "connected"},
		"an address of IPv6":                    {"http://[::1]:PORT", "::1", "connected"},
		"an address of IPv6 in full":            {"http://[0:0:0:0:0:0:0:1]:PORT", "::1", "connected"},
		"localhost":                             {"http://localhost:PORT", "localhost", "connected"},
		"localhost in capitals":                 {"http://LocalHost:PORT", "localhost", "connected"},
		"an address at another port":            {"http://127.0.0.1:1", "127.0.0.1", "refused"},
		"an address at the scheme's port":       {"https://127.0.0.1", "127.0.0.1", "refused"},
		"another address":                       {"http://127.0.0.2:PORT", "127.0.0.1", "refused"},
		"localhost, which is not every address": {"http://localhost:PORT", "127.0.0.1", "refused"},
		"an address, which is not localhost":    {"http://127.0.0.1:PORT", "localhost", "refused"},
		"localhost with a dot":                  {"http://localhost.:PORT", "localhost.", "refused"},
		"a name below localhost":                {"http://x.localhost:PORT", "x.localhost", "refused"},
		"a name":                                {"https://api.example.com:PORT", "api.example.com", "refused"},
		"a name, while localhost is declared":   {"http://localhost:PORT", "api.example.com", "refused"},
		"a name, while an address is declared":  {"http://127.0.0.1:PORT", "api.example.com", "refused"},
		"no URL":                                {"http://[127.0.0.1:PORT", "127.0.0.1", "refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := dial.NewPolicy(false, "https://other.example", strings.ReplaceAll(tt.url, "PORT", b.port))
			if got := b.call(t, p, tt.host, dns); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatIsNoTCPAddressIsRefused(t *testing.T) {
	for _, tt := range [][2]string{{"tcp", "example.com"}, {"unix", "/run/docker.sock"}, {"unix", "/run/docker.sock:1"}, {"unix", "@x:1"}} {
		conn, err := dial.NewPolicy(true).DialContext(t.Context(), new(net.Dialer), tt[0], tt[1])
		if err == nil {
			_ = conn.Close()
			t.Errorf("%v: connected", tt)
		}
	}
}
