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
