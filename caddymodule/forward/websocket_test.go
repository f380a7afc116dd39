package forward_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// frame is a WebSocket's (RFC 6455 section 5.2), of at most 125 bytes.
type frame struct {
	opcode  byte
	payload string
}

const textFrame, closeFrame = 1, 8

// write sends f, masked if a client does.
func (f frame) write(w io.Writer, masked bool) error {
	raw := []byte{0x80 | f.opcode, byte(len(f.payload))}
	payload := []byte(f.payload)
	if masked {
		mask := binary.BigEndian.AppendUint32(nil, 0xdeadbeef)
		raw[1] |= 0x80
		raw = append(raw, mask...)
		for i := range payload {
			payload[i] ^= mask[i%4]
		}
	}
	_, err := w.Write(append(raw, payload...))
	return err
}

func readFrame(r *bufio.Reader) (frame, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return frame{}, err
	}
	mask := make([]byte, 4)
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask); err != nil {
			return frame{}, err
		}
	}
	payload := make([]byte, head[1]&0x7f)
	_, err := io.ReadFull(r, payload)
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return frame{head[0] & 0xf, string(payload)}, err
}

// acceptOf is what a server proves with that it has understood (RFC 6455 section 4.2.2).
func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// echoFrames is an API with WebSockets: each frame comes back in capitals.
func echoFrames(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			_, _ = io.WriteString(w, "no WebSocket was asked for")
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close() //nolint:errcheck // the end of the test
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			acceptOf(r.Header.Get("Sec-Websocket-Key")))
		for err == nil {
			_ = rw.Flush()
			var f frame
			if f, err = readFrame(rw.Reader); err == nil {
				err = frame{f.opcode, strings.ToUpper(f.payload)}.write(rw, false)
			}
			if f.opcode == closeFrame {
				err = errors.Join(err, rw.Flush(), io.EOF)
			}
		}
	}
}

// dial opens a WebSocket, with more headers, which end in a line break each.
func (p *proxyTest) dial(path, headers string) (net.Conn, *bufio.Reader, *http.Response) {
	p.T.Helper()
	address := strings.TrimPrefix(p.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		p.T.Fatal(err)
	}
	p.T.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, address, headers)
	br := bufio.NewReader(conn)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		p.T.Fatal(err)
	}
	return conn, br, res
}

func TestWebSocket(t *testing.T) { byEither(t, testWebSocket) }

func testWebSocket(t *testing.T, by string) {
	a := newAPI(t, echoFrames(t))
	p := proxyTo(t, a.host(), "", by+"\nwebsocket\nallow local\nallow origin https://app.example.com")
	a.refused.Store(&p.token)
	for who, headers := range map[string]string{"program": "", "page": "Origin: https://app.example.com\r\n"} {
		t.Run("of a "+who, func(t *testing.T) {
			conn, br, res := p.dial("/"+who, headers)
			if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-Websocket-Accept") != acceptOf("dGhlIHNhbXBsZSBub25jZQ==") {
				t.Fatalf("status %d, %v", res.StatusCode, res.Header)
			}
			for _, f := range []frame{{textFrame, "hello"}, {textFrame, "again"}, {closeFrame, ""}} {
				if err := f.write(conn, true); err != nil {
					t.Fatal(err)
				}
				if got, err := readFrame(br); err != nil || got != (frame{f.opcode, strings.ToUpper(f.payload)}) {
					t.Fatalf("%q came back as %q, %v", f.payload, got, err)
				}
			}
			_, _ = io.Copy(io.Discard, br)
			// Caddy 2.11.9 has a data race if it is stopped while it proxies a WebSocket.
			p.waitForLog(`"uri":"/` + who + `"`)
		})
	}
	seen := a.requests()
	if len(seen) != 3 { // the first one was refused with 401, and was sent again
		t.Fatalf("the API saw %d requests", len(seen))
	}
	for _, r := range seen {
		if r.Header.Get("Origin") != "" || r.Header.Get("Authorization") == "" || r.Header.Get("Sec-Websocket-Version") != "13" {
			t.Errorf("the handshake arrived as %v", r.Header)
		}
	}
	// A page opens WebSockets without a preflight, and to any site.
	_, _, res := p.dial("/hostile", "Origin: https://evil.example\r\n")
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "origin_not_allowed") {
		t.Errorf("a hostile page gets status %d: %s", res.StatusCode, body)
	}
	if n := len(a.requests()); n != len(seen) {
		t.Error("the hostile page's request reached the API")
	}
}

func TestWebSocketsEndWithTheConfiguration(t *testing.T) {
	byEither(t, testWebSocketsEndWithTheConfiguration)
}

func testWebSocketsEndWithTheConfiguration(t *testing.T, by string) {
	opened, ended := make(chan error, 1), make(chan []byte, 1)
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		conn, br, err := http.NewResponseController(w).Hijack()
		if err != nil {
			opened <- err
			return
		}
		defer conn.Close() //nolint:errcheck // nothing is sent
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, err = readFrame(br.Reader)
		opened <- err
		rest, _ := io.ReadAll(br)
		ended <- rest
	})
	// Caddy 2.11.9 counts for the log, without a lock, what it sends at the end.
	p := proxyWithoutLog(t, a.host(), "token_proxy demo/one {\n"+by+"\nwebsocket\n}")
	conn, br, res := p.dial("/socket", "")
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", res.StatusCode)
	}
	if err := (frame{textFrame, "hello"}).write(conn, true); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	p.load(a.host(), "respond 404")
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got, err := readFrame(br); err != nil || got.opcode != closeFrame {
		t.Fatalf("the client reads %q, %v", got, err)
	}
	if rest := <-ended; len(rest) == 0 || rest[0] != 0x80|closeFrame {
		t.Errorf("the API reads %q", rest)
	}
}

func TestWebSocketsAreForRoutesThatSaySo(t *testing.T) {
	a := newAPI(t, echoFrames(t))
	p := proxyTo(t, a.host(), "", "")
	_, _, res := p.dial("/socket", "")
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "websocket_not_allowed") {
		t.Errorf("status %d: %s", res.StatusCode, body)
	}
	if n := len(a.requests()); n != 0 {
		t.Errorf("the API saw %d requests", n)
	}
}

func TestWebSocketsAreOpenedWithGETAlone(t *testing.T) {
	p := proxyTo(t, newAPI(t, echoFrames(t)).host(), "", "websocket")
	for name, r := range map[string]*http.Request{
		"POST":   p.request("POST", "/x", nil),
		"a body": p.request("GET", "/x", strings.NewReader("smuggled")),
	} {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		if res, body := p.do(r); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d: %s", name, res.StatusCode, body)
		}
	}
}

// reverse_proxy would make an empty 200 of it, and leave the connection to the API open.
func TestNobodySwitchesProtocolsUnasked(t *testing.T) {
	p := proxyTo(t, newHostileAPI(t, map[string]string{
		"/unasked": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nTOKEN",
		"/nothing": "HTTP/1.1 101 Switching Protocols\r\n\r\nTOKEN",
		"/socket":  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nTOKEN",
	}).host(), "", "websocket")
	for _, path := range []string{"/unasked", "/nothing"} {
		p.wantGet(path, http.StatusBadGateway)
	}
	if _, _, res := p.dial("/socket", ""); res.StatusCode != http.StatusBadGateway {
		t.Errorf("to another protocol: status %d", res.StatusCode)
	}
}
