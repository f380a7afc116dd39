package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// longest is how much time there is for all of it.
const longest = time.Hour

func main() {
	log.SetFlags(0)
	into := flag.String("into", "", "put the table of results into this Markdown `file`, between its markers")
	result := flag.String("json", "", "write the results to this `file`")
	only := flag.String("only", "", "run what matches this `regexp` alone")
	atOnce := flag.Int("at-once", 2, "how many tests may run at the same time, but for those that want the machine for themselves")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil || *atOnce < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("it took longer than %s", longest))
	r, err := soak(ctx, chosen(plan(), pattern), *atOnce)
	cancel()
	stop()
	if err == nil {
		err = r.publish(os.Stdout, *result, *into)
	}
	if err != nil {
		log.Fatal(err)
	}
	if failed := r.failed(); failed > 0 {
		log.Fatalf("%d of %d failed", failed, len(r.Outcomes))
	}
}
