package forward

import (
	"net"
	"time"
)

// timeoutConn bounds each read and each write of a connection: read_timeout and write_timeout of the http transport.
type timeoutConn struct {
	net.Conn
	read, write time.Duration // 0: no bound
}

// withTimeouts bounds conn as it is configured.
func (t *Transport) withTimeouts(conn net.Conn) net.Conn {
	if t.ReadTimeout <= 0 && t.WriteTimeout <= 0 {
		return conn
	}
	return &timeoutConn{Conn: conn, read: time.Duration(t.ReadTimeout), write: time.Duration(t.WriteTimeout)}
}

// Read implements io.Reader.
func (c *timeoutConn) Read(p []byte) (int, error) {
	if c.read > 0 {
		if err := c.SetReadDeadline(time.Now().Add(c.read)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Read(p)
}

// Write implements io.Writer.
func (c *timeoutConn) Write(p []byte) (int, error) {
	if c.write > 0 {
		if err := c.SetWriteDeadline(time.Now().Add(c.write)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}
