package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// client sends the same request again and again on one connection. It does less than http.Client, so that more of
// the machine is left for what is measured.
type client struct {
	conn    net.Conn
	r       *bufio.Reader
	request []byte
	size    int64 // of an answer, -1 for any
}

// dial connects to t.
func dial(ctx context.Context, t target) (*client, error) {
	to, err := url.Parse(t.url)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", to.Host)
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n", to.RequestURI(), to.Host)
	if t.authorized {
		request = append(request, "Authorization: "+authorization+"\r\n"...)
	}
	return &client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), request: append(request, "\r\n"...), size: t.size}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// get sends the request and reads the answer.
func (c *client) get() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	return c.answer(c.size)
}

// answer reads an answer that has to have so many bytes.
func (c *client) answer(size int64) error {
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK || size >= 0 && n != size:
		return fmt.Errorf("status %d, %d bytes", res.StatusCode, n)
	case res.Close:
		return errors.New("the connection is not kept")
	}
	return nil
}

// once sends one request, on a connection of its own.
func once(ctx context.Context, t target) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := dial(ctx, t)
	if err != nil {
		return err
	}
	defer c.close()
	return c.get()
}
