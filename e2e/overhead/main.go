// Command overhead measures what token_proxy costs beside Caddy's own
// reverse_proxy with a fixed header:
//
//	go run ./overhead            # in the directory e2e; takes about four minutes
//
// It builds Caddy, runs it twice, once with each configuration, and sends both the
// same requests by turns. It reports the CPU time that a request takes in one and
// in the other, as the median of the rounds' ratios, and fails if that is more than
// -max. The ratio means something on a noisy machine too; the absolute times do not.
//
// It reads the CPU clocks of other processes and so needs Linux.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
)

func main() {
	var o options
	flag.StringVar(&o.binary, "caddy", "", "Caddy with this plugin; built if empty")
	flag.IntVar(&o.rounds, "rounds", 120, "rounds for each number of connections")
	flag.IntVar(&o.requests, "requests", 3_000, "requests in a round to each Caddy")
	limit := flag.Float64("max", 1.10, "the highest ratio that is no failure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	worst, err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		log.Fatal(err)
	}
	if worst > *limit {
		log.Fatalf("%.2f is more than %.2f", worst, *limit)
	}
}

type options struct {
	binary           string
	rounds, requests int
}

// run reports to out, and returns the highest of the medians.
func run(ctx context.Context, o options, out io.Writer) (worst float64, err error) {
	bench, err := newBench(ctx, o)
	if err != nil {
		return 0, err
	}
	defer bench.close()
	_, _ = fmt.Fprintln(out, "CPU time of a request with token_proxy, as a multiple of reverse_proxy with header_up")
	for _, connections := range []int{16, 64} {
		var ratios []float64
		for round := range o.rounds {
			ratio, err := bench.round(ctx, connections, o.requests, round%2 == 0)
			if err != nil {
				return 0, err
			}
			ratios = append(ratios, ratio)
		}
		slices.Sort(ratios)
		median := (ratios[(len(ratios)-1)/2] + ratios[len(ratios)/2]) / 2
		_, _ = fmt.Fprintf(out, "%3d connections: %.2f (%.2f to %.2f in %d rounds)\n",
			connections, median, ratios[0], ratios[len(ratios)-1], len(ratios))
		worst = max(worst, median)
	}
	return worst, nil
}
