// Command authserver is an authorization server in a process of its own, as it is in real life, where it even has a machine of
// its own. It prints its URL, and then refresh tokens of which each can be used once, as can those that it answers with.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/standin"
)

func main() {
	grants := flag.Int("grants", 0, "how many refresh tokens")
	lifetime := flag.Duration("lifetime", time.Hour, "of access tokens")
	flag.Parse()
	server := standin.New(standin.Options{
		Clients:  []standin.Client{{ID: "id", Secret: "secret"}},
		Rotation: standin.RotateAlways, AccessLifetime: *lifetime,
	})
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	w := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(w, server.OAuthURL())
	for range *grants {
		g, err := server.IssueGrant("id")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintln(w, g.RefreshToken)
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	<-end
	if err := server.Close(); err != nil {
		log.Fatal(err)
	}
}
