package forward_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestProxyRefusesBeforeAnythingIsSent(t *testing.T) {
	a := newAPI(t, echoBody)
	p := proxyTo(t, a.host(), "", "fail_duration 1m")
	for line, status := range map[string]string{
		"GET /..%2fx":      "400",
		"GET /%252e%252e/": "400",
		`GET /..\x`:        "400",
		"TRACE /x":         "405",
		"TRACK /x":         "405",
		"get /x":           "405",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", line, strings.TrimPrefix(p.url, "http://"))
		answer, _ := bufio.NewReader(conn).ReadString('\n')
		_ = conn.Close()
		if !strings.HasPrefix(answer, "HTTP/1.1 "+status) {
			t.Errorf("%s: %s", line, answer)
		}
	}
	if n := len(a.requests()); n != 0 {
		t.Errorf("the API saw %d requests", n)
	}
	p.wantGet("/x", 200) // and nobody took the upstream down
}

func TestProxyGoesToListedHostsOnly(t *testing.T) {
	a, other := newAPI(t, echoBody), newAPI(t, echoBody)
	p := proxyToSite(t, a.host(), "vars elsewhere "+other.address()+"\ntoken_proxy demo/one {http.vars.elsewhere} {\nfail_duration 1m\n}")
	for range 2 { // a refusal is no failure of the upstream's
		if _, body := p.wantGet("/x", 502); !strings.Contains(body, "refused_host") {
			t.Error(body)
		}
	}
	if n := len(other.requests()); n != 0 {
		t.Errorf("the other host saw %d requests", n)
	}
}

func TestTransportNeedsAGuard(t *testing.T) {
	a := newAPI(t, echoBody)
	p := proxyToSite(t, a.host(), fmt.Sprintf("reverse_proxy %s {\ntransport token_store {\nconnection demo/one\n}\n}", a.address()))
	p.wantGet("/x", 502)
	if n := len(a.requests()); n != 0 {
		t.Errorf("the API saw %d requests", n)
	}
}
