package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	log.SetFlags(0)
	o, err := parse(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	r, err := run(ctx, o, os.Stderr)
	stop()
	if err == nil {
		err = r.publish(o, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
	if missed := r.missed(); o.gate && missed > 0 {
		log.Fatalf("%d figures are missed", missed)
	}
}
