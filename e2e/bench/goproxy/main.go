// Command goproxy is what one writes by hand to send requests with a token: a reverse proxy of
// the standard library over oauth2.Transport. The benchmark compares with it.
package main

import (
	_ "expvar" // tells of allocations
	"flag"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	_ "net/http/pprof" //nolint:gosec // on a socket in a private directory
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

func main() {
	admin := flag.String("admin", "", "unix socket for /debug/vars and /debug/pprof")
	token := flag.String("token", "", "the token")
	flag.Parse()
	if flag.NArg() == 0 || flag.NArg()%2 != 0 {
		log.Fatal("usage: goproxy -admin socket -token text {address upstream}...")
	}
	base := &http.Transport{MaxIdleConnsPerHost: 1024}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: *token})
	for i := 0; i < flag.NArg(); i += 2 {
		to, err := url.Parse(flag.Arg(i + 1))
		if err != nil {
			log.Fatal(err)
		}
		go serve("tcp", flag.Arg(i), &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
			Transport: &oauth2.Transport{Source: source, Base: base},
		})
	}
	serve("unix", *admin, http.DefaultServeMux)
}

func serve(network, address string, handler http.Handler) {
	l, err := net.Listen(network, address) //nolint:noctx // it listens for as long as the process lives
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal((&http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}).Serve(l))
}
