package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostileAPI answers a request for a path with bytes, in which TOKEN stands for the
// token that it was sent.
type hostileAPI struct{ net.Listener }

func newHostileAPI(t *testing.T, answers map[string]string) hostileAPI {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close() //nolint:errcheck // nothing depends on it
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
				_, _ = io.WriteString(conn, strings.ReplaceAll(answers[r.URL.Path], "TOKEN", token))
			})
		}
	})
	return hostileAPI{l}
}

func (a hostileAPI) host() string { return "host api http://" + a.Addr().String() }

// logCredentials ends a provider's block, and has its end close these blocks instead.
const logCredentials = "\n}\n}\nservers {\nlog_credentials\ntimeouts {\nidle 1m"

func TestNoErrorTellsTheToken(t *testing.T) { byEither(t, testNoErrorTellsTheToken) }

func testNoErrorTellsTheToken(t *testing.T, by string) {
	const badAnswer, ok = 502, 200
	answers, statuses := map[string]string{}, map[string]int{}
	for path, tc := range map[string]struct {
		status int
		answer string
	}{
		"/protocol":          {badAnswer, "TOKEN 200 OK\r\n\r\n"},
		"/status-line":       {badAnswer, "TOKEN\r\n\r\n"},
		"/status-code":       {badAnswer, "HTTP/1.1 TOKEN OK\r\n\r\n"},
		"/content-length":    {badAnswer, "HTTP/1.1 200 OK\r\nContent-Length: TOKEN\r\n\r\n"},
		"/content-lengths":   {badAnswer, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: TOKEN\r\n\r\n"},
		"/transfer-encoding": {badAnswer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: TOKEN\r\n\r\n"},
		"/trailer-name":      {badAnswer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length, TOKEN\r\n\r\n0\r\n\r\n"},
		"/header-line":       {badAnswer, "HTTP/1.1 200 OK\r\nTOKEN\r\n\r\n"},
		"/header-name":       {badAnswer, "HTTP/1.1 200 OK\r\nTOKEN /: x\r\n\r\n"},
		"/first-line":        {badAnswer, "HTTP/1.1 200 OK\r\n TOKEN\r\n\r\n"},
		"/informational":     {badAnswer, "HTTP/1.1 103 Early Hints\r\nTOKEN\r\n\r\n"},
		"/chunk":             {ok, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nTOKEN\r\n"},
		"/trailer-line":      {ok, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTOKEN\r\n\r\n"},
	} {
		answers[path], statuses[path] = tc.answer, tc.status
	}
	p := proxyToSite(t, newHostileAPI(t, answers).host()+logCredentials,
		"token_proxy demo/one {\n"+by+"\n}\nhandle_errors {\nrespond \"{err.message}|{http.error}\"\n}")
	for path, status := range statuses {
		t.Run(path, func(t *testing.T) {
			res, err := p.client.RoundTrip(p.request("GET", path, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()          //nolint:errcheck // read to its end
			body, _ := io.ReadAll(res.Body) // of an answer that is cut off
			if res.StatusCode != status || strings.Contains(fmt.Sprint(res.Header, string(body)), p.token) {
				t.Errorf("status %d, %v: %s", res.StatusCode, res.Header, body)
			}
			if status == badAnswer && !strings.HasPrefix(string(body), "the exchange with the API failed: no valid answer came|") {
				t.Errorf("the client is told %s", body)
			}
			if strings.Contains(p.Log(), p.token) {
				t.Error("the token is in the log")
			}
		})
	}
}

// exchange returns all that a client is sent for a path.
func (p *proxyTest) exchange(path string) string {
	p.T.Helper()
	address := strings.TrimPrefix(p.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		p.T.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // read to its end
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nTE: trailers\r\nConnection: close\r\n\r\n", path, address)
	all, err := io.ReadAll(conn)
	if err != nil {
		p.T.Fatal(err)
	}
	return string(all)
}

func TestInterimAnswersAreTamedToo(t *testing.T) { byEither(t, testInterimAnswersAreTamedToo) }

func testInterimAnswersAreTamedToo(t *testing.T, by string) {
	const final = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
	p := proxyTo(t, newHostileAPI(t, map[string]string{
		"/foreign": "HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=1\r\nAccess-Control-Allow-Origin: *\r\nLink: </a.css>\r\n\r\n" + final,
		"/echo":    "HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\nX-Echo: TOKEN\r\n\r\n" + final,
	}).host(), "", by)
	for path, wanted := range map[string]string{"/foreign": "Link: </a.css>", "/echo": "103 Early Hints"} {
		got := p.exchange(path)
		if !strings.Contains(got, wanted) || !strings.HasSuffix(got, "fine") {
			t.Errorf("%s lacks %s: %s", path, wanted, got)
		}
		for _, unwanted := range []string{p.token, "X-Hint", "Set-Cookie", "Access-Control"} {
			if strings.Contains(got, unwanted) {
				t.Errorf("%s has %s: %s", path, unwanted, got)
			}
		}
	}
}

func TestTrailersAreDropped(t *testing.T) { byEither(t, testTrailersAreDropped) }

func testTrailersAreDropped(t *testing.T, by string) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
	p := proxyTo(t, newHostileAPI(t, map[string]string{
		"/announced":   chunked + "Trailer: X-Echo, Set-Cookie\r\n\r\n4\r\nfine\r\n0\r\nX-Echo: TOKEN\r\nSet-Cookie: a=1\r\n\r\n",
		"/unannounced": chunked + "\r\n4\r\nfine\r\n0\r\nX-Echo: TOKEN\r\nSet-Cookie: a=1\r\n\r\n",
	}).host(), "", by)
	for _, path := range []string{"/announced", "/unannounced"} {
		got := p.exchange(path)
		if !strings.Contains(got, "fine") {
			t.Errorf("%s: %s", path, got)
		}
		for _, unwanted := range []string{p.token, "X-Echo", "Set-Cookie"} {
			if strings.Contains(got, unwanted) {
				t.Errorf("%s has %s: %s", path, unwanted, got)
			}
		}
	}
}

func TestStatusTextIsLookedAt(t *testing.T) {
	p := proxyTo(t, newHostileAPI(t, map[string]string{"/": "HTTP/1.1 200 TOKEN\r\nContent-Length: 0\r\n\r\n"}).host(),
		"", "header_down X-Status {rp.status_text}")
	if got := p.exchange("/"); strings.Contains(got, p.token) || !strings.Contains(got, "token_echoed") {
		t.Error(got)
	}
}

// spokenLog is what the standard library logs.
type spokenLog struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *spokenLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *spokenLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestWhatComesUnaskedIsNotInTheLog(t *testing.T) {
	out := new(spokenLog)
	former := log.Writer()
	log.SetOutput(out)
	defer log.SetOutput(former)
	byEither(t, func(t *testing.T, by string) {
		const unasked = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nTOKEN"
		p := proxyTo(t, newHostileAPI(t, map[string]string{
			"/head":  unasked,
			"/empty": "HTTP/1.1 204 No Content\r\n\r\nTOKEN",
			"/short": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfineTOKEN",
			"/twice": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine" + unasked,
		}).host(), "", by)
		for path, method := range map[string]string{"/head": "HEAD", "/empty": "GET", "/short": "GET", "/twice": "GET"} {
			before := strings.Count(out.String(), "Unsolicited response")
			res, err := p.client.RoundTrip(p.request(method, path, nil))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for began := time.Now(); strings.Count(out.String(), "Unsolicited response") == before; <-tick.C {
				if time.Since(began) > time.Minute {
					t.Fatalf("%s: nobody has noticed what came unasked", path)
				}
			}
		}
		if said := out.String(); strings.Contains(said, p.token) || !strings.Contains(said, "what it was is not told") {
			t.Error(said)
		}
	})
}
