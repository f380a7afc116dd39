package peer

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// What stands around a connection in a real server.
type (
	byUnwrap  struct{ net.Conn }
	byNetConn struct{ net.Conn }
	embedding struct{ net.Conn }
	embedsTwo struct{ *embedding }
	endless   struct{ net.Conn }
	hiding    struct {
		net.Conn
		unused int
	}
)

func (c byUnwrap) Unwrap() net.Conn   { return c.Conn }
func (c byNetConn) NetConn() net.Conn { return c.Conn }
func (c *endless) Unwrap() net.Conn   { return c }

// accept returns the server's end of a connection.
func accept(t *testing.T, network, address string) net.Conn {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := new(net.Dialer).DialContext(t.Context(), network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func TestTheUserIsFoundBeneathWhatIsWrappedAround(t *testing.T) {
	if !Supported {
		if os.Getenv("CI") == "true" {
			t.Fatal("this system tells no user, and CI=true forbids to skip this test")
		}
		t.Skip("SKIPPED: this system tells no user")
	}
	socket := accept(t, "unix", filepath.Join(t.TempDir(), "s"))
	for name, c := range map[string]net.Conn{
		"the socket itself":        socket,
		"TLS":                      tls.Server(socket, new(tls.Config)),
		"a wrapper with NetConn":   byNetConn{socket},
		"a wrapper with Unwrap":    byUnwrap{socket},
		"a wrapper that embeds it": embedding{socket},
		"two that do":              &embedsTwo{&embedding{socket}},
		"many":                     tls.Server(byUnwrap{&hiding{Conn: embedding{byNetConn{socket}}, unused: 1}}, new(tls.Config)),
	} {
		if uid, ok := UID(note(t.Context(), c)); !ok || uid != uint32(os.Getuid()) {
			t.Errorf("%s: uid %d, %t", name, uid, ok)
		}
	}
}

func TestNobodyIsFoundWhereThereIsNoUnixSocket(t *testing.T) {
	tcp := accept(t, "tcp", "127.0.0.1:0")
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	closed := accept(t, "unix", filepath.Join(t.TempDir(), "s"))
	_ = closed.Close()
	for name, c := range map[string]net.Conn{
		"TCP":                      tcp,
		"TLS over TCP":             tls.Server(tcp, new(tls.Config)),
		"a pipe":                   pipe,
		"a socket that is closed":  closed,
		"a wrapper without an end": &endless{tcp},
		"a wrapper around nothing": embedding{},
	} {
		if uid, ok := UID(note(t.Context(), c)); ok {
			t.Errorf("%s: uid %d", name, uid)
		}
	}
	if _, ok := UID(t.Context()); ok {
		t.Error("there is a user without a connection")
	}
}
