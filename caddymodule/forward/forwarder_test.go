package forward_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy"
)

func TestInterimAnswersTakeNoHeaderOfOursAway(t *testing.T) {
	byEither(t, func(t *testing.T, by string) {
		p := proxyTo(t, newHostileAPI(t, map[string]string{
			"/": "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x-hop\r\nKeep-Alive: 1\r\n\r\n" +
				"HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine",
		}).host(), "", by+"\nallow origin https://app.example.com")
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // read to its end
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nOrigin: https://app.example.com\r\nConnection: close\r\n\r\n", strings.TrimPrefix(p.url, "http://"))
		br := bufio.NewReader(conn)
		for _, link := range []string{"</a.css>", "</b.css>"} {
			res, err := http.ReadResponse(br, nil)
			if err != nil || res.StatusCode != http.StatusEarlyHints || res.Header.Get("Link") != link || res.Header.Get("Keep-Alive") != "" {
				t.Fatalf("hint %+v, %v", res, err)
			}
		}
		res, err := http.ReadResponse(br, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("answer %+v, %v", res, err)
		}
		if got := res.Header["Access-Control-Allow-Origin"]; len(got) != 1 || got[0] != "https://app.example.com" {
			t.Errorf("Access-Control-Allow-Origin is %q", got)
		}
		if got := res.Header.Values("Link"); len(got) != 0 {
			t.Errorf("the answer has the link of a hint: %q", got)
		}
	})
}

func TestTheAPISpeaksForItself(t *testing.T) {
	byEither(t, func(t *testing.T, by string) {
		a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Server", "acme")
			_, _ = io.WriteString(w, r.URL.RawQuery+" "+strings.Join(r.Header["Via"], ", "))
		})
		p := proxyTo(t, a.host(), "", by)
		res, body := p.do(p.request("GET", "/x?a;b=%zz&c", nil))
		if want := "a;b=%zz&c 1.1 Caddy"; body != want {
			t.Errorf("arrived: %q, want %q", body, want)
		}
		if server, via := res.Header.Values("Server"), res.Header.Values("Via"); len(server) != 1 || server[0] != "acme" || len(via) != 1 || via[0] != "1.1 Caddy" {
			t.Errorf("Server %q, Via %q", server, via)
		}
	})
}

func TestWhatNobodyAskedFor(t *testing.T) {
	byEither(t, func(t *testing.T, by string) {
		p := proxyTo(t, newHostileAPI(t, map[string]string{
			"/switch":    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: TOKEN\r\n\r\nTOKEN",
			"/websocket": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nTOKEN",
			"/cut":       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		}).host(), "", by)
		for _, path := range []string{"/switch", "/websocket"} {
			if got := p.exchange(path); !strings.HasPrefix(got, "HTTP/1.1 502 ") || strings.Contains(got, p.token) {
				t.Errorf("%s: %s", path, got)
			}
		}
		if got := p.exchange("/cut"); !strings.HasSuffix(got, "\r\n\r\nhalf") {
			t.Errorf("of an answer that broke off came %q", got)
		}
	})
}

func TestPlaceholdersOfReverseProxy(t *testing.T) {
	byEither(t, func(t *testing.T, by string) {
		a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
		host, port, _ := net.SplitHostPort(a.address())
		fields, wanted := "", []string{`"latency_ms":`}
		for name, value := range map[string]string{
			"upstream.address": `"tcp/` + a.address() + `"`, "upstream.hostport": `"` + a.address() + `"`, "upstream.host": `"` + host + `"`, "upstream.port": `"` + port + `"`,
			"status_code": "418", "status_text": `"418 I'm a teapot"`,
		} {
			fields += fmt.Sprintf("log_append %s {http.reverse_proxy.%[1]s}\n", name)
			wanted = append(wanted, `"`+name+`":`+value)
		}
		p := proxyToSite(t, a.host(), fields+"log_append latency_ms {rp.upstream.latency_ms}\ntoken_proxy demo/one {\n"+by+"\n}")
		p.wantGet("/x", http.StatusTeapot)
		for _, field := range wanted {
			p.waitForLog(field)
		}
		if p.accessLogHas(`"latency_ms":"`) {
			t.Error("the latency is no number")
		}
	})
}

func TestErrorsOfTheExchangeGoToErrorRoutes(t *testing.T) {
	byEither(t, func(t *testing.T, by string) {
		a := newAPI(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		p := proxyToSite(t, a.host()+"\nhost gone http://127.0.0.1:1",
			"token_proxy demo/one {\n"+by+"\ntransport http {\nresponse_header_timeout 50ms\n}\n}\nhandle_errors {\nrespond \"{err.status_code}|{err.message}\"\n}")
		for path, want := range map[string]string{"/slow": "504|the exchange with the API failed: timeout", "/gone/x": "502|the exchange with the API failed: dial"} {
			res, body := p.do(p.request("GET", path, nil))
			if !strings.HasPrefix(body, want) {
				t.Errorf("%s: status %d: %s", path, res.StatusCode, body)
			}
		}
	})
}

func TestTheForwarderTakesNoOtherTransport(t *testing.T) {
	var config caddy.Config // all of it: without its admin block, Caddy would open an admin API, and leave it open
	s := testcaddy.New(t)
	if err := json.Unmarshal(s.Adapt("provider demo generic {\ngrant client_credentials\nclient_id id\nclient_secret s\ntoken_url https://a.example/t\nhost api https://a.example\n}", ""), &config); err != nil {
		t.Fatal(err)
	}
	config.AppsRaw["http"] = json.RawMessage(`{"servers":{"a":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"token_forward","transport":{"protocol":"http"}}]}]}}}`)
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	testcaddy.WantError(t, caddy.Load(raw, true), "transport", "token_store", "use reverse_proxy")
}
