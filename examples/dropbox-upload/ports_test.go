package main

import (
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/caddy-tokenstore/caddy-tokenstore/examples/internal/caddyproc"
)

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	for _, tt := range []struct{ name, host, tells string }{
		{"by IPv4", "127.0.0.1", "cannot be used"},
		{"by IPv6 alone", "::1", "something else is at http://localhost:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", net.JoinHostPort(tt.host, "0"))
			if err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("this machine has no %s, and CI=true forbids to skip this test", tt.host)
				}
				t.Skipf("SKIPPED: this machine has no %s", tt.host)
			}
			defer l.Close()
			taken := l.Addr().(*net.TCPAddr).Port
			var free int
			if err := caddyproc.Ports(&free); err != nil {
				t.Fatal(err)
			}
			err = settings{port: taken, pagePort: free}.checkPorts(t.Context())
			checkError(t, err, "port "+strconv.Itoa(taken), tt.tells, "another with -port")
			err = settings{port: free, pagePort: taken}.checkPorts(t.Context())
			checkError(t, err, "port "+strconv.Itoa(taken), tt.tells, "another with -page-port")
		})
	}
}

// The page and the routes do not listen yet when the other ports are chosen.
func TestNoTwoPartsOfOneRunHaveTheSamePort(t *testing.T) {
	chosen := 0
	for clash := range 3 {
		var s settings
		var wanted [3]int
		if err := caddyproc.Ports(&s.port, &wanted[0], &wanted[1], &wanted[2]); err != nil {
			t.Fatal(err)
		}
		s.pagePort = wanted[clash]
		ports, err := s.standinPorts(wanted)
		if err != nil {
			t.Fatal(err)
		}
		for i, port := range ports {
			if port == s.port || port == s.pagePort || port == 0 {
				t.Errorf("part %d of the stand-in has port %d; the routes have %d, the page %d", i, port, s.port, s.pagePort)
			}
			chosen++
		}
		for _, taken := range []int{s.port, s.pagePort} {
			port := taken
			checkError(t, s.choose(&port), "port "+strconv.Itoa(taken), "cannot be used")
		}
	}
	t.Logf("%d ports were chosen", chosen)
}
