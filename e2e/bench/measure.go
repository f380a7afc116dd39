package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// cell is a situation in which the competitors are compared.
type cell struct {
	Connections int   `json:"connections"`
	Size        int64 `json:"size"` // of an answer
	TLS         bool  `json:"tls"`  // of the upstream
}

// sample is what one turn of a competitor gave.
type sample struct {
	Rate         float64 `json:"rate"` // requests a second
	P50          float64 `json:"p50"`  // microseconds
	P99          float64 `json:"p99"`
	CPU          float64 `json:"cpu"`          // microseconds a request
	Allocations  float64 `json:"allocations"`  // a request, 0 if the program is not in Go
	Bytes        float64 `json:"bytes"`        // allocated a request
	Instructions float64 `json:"instructions"` // a request, 0 if the machine does not count them
	Memory       float64 `json:"memory"`       // MiB
}

// series are the samples of one competitor in one cell. Those of the same index were taken in the
// same round, one soon after the other.
type series struct {
	Name    string   `json:"name"`
	Samples []sample `json:"samples"`
}

// runner is a competitor at work in a cell.
type runner struct {
	*series
	competitor *competitor
	load       *load
	counter    *counter
}

// pace says how long a measurement takes.
type pace struct {
	rounds int
	turn   time.Duration
}

// measure has the competitors take turns, in a new order each round.
func (b *bench) measure(ctx context.Context, c cell, names []string, p pace) ([]*series, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var runners []*runner
	var all []*series
	defer func() {
		for _, r := range runners {
			r.close()
		}
	}()
	for _, name := range names {
		r, err := b.newRunner(ctx, c, name)
		if err != nil {
			return nil, err
		}
		runners, all = append(runners, r), append(all, r.series)
	}
	for round := range p.rounds + 1 {
		for _, i := range rand.Perm(len(runners)) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s, err := runners[i].sample(ctx, p.turn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", runners[i].Name, err)
			}
			if round > 0 { // else it was to warm up
				runners[i].Samples = append(runners[i].Samples, s)
			}
		}
	}
	return all, nil
}

// newRunner connects to a competitor, which it starts if need be.
func (b *bench) newRunner(ctx context.Context, c cell, name string) (*runner, error) {
	entrant, to, err := b.site(ctx, name, c)
	if err != nil {
		return nil, err
	}
	l, err := newLoad(ctx, to, c.Connections)
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, entrant.output())
	}
	pids, err := entrant.pids()
	if err != nil {
		l.close()
		return nil, err
	}
	counter, err := countInstructions(pids...)
	if err != nil {
		l.close()
		return nil, err
	}
	return &runner{series: &series{Name: name}, competitor: entrant, load: l, counter: counter}, nil
}

func (r *runner) close() {
	r.load.close()
	r.counter.close()
}

// usage is what a process has used since it started.
type usage struct {
	cpu          time.Duration
	allocations  int64
	bytes        int64
	instructions int64
}

// sample lets the clients work for a while.
func (r *runner) sample(ctx context.Context, length time.Duration) (sample, error) {
	before, err := r.usage(ctx, true)
	if err != nil {
		return sample{}, err
	}
	t, err := r.load.run(length)
	if err != nil {
		return sample{}, err
	}
	after, err := r.usage(ctx, false)
	if err != nil {
		return sample{}, err
	}
	memory, err := r.competitor.memory()
	if err != nil {
		return sample{}, err
	}
	n := float64(t.requests)
	return sample{
		Rate:         n / t.took.Seconds(),
		P50:          microseconds(t.p50),
		P99:          microseconds(t.p99),
		CPU:          microseconds(after.cpu-before.cpu) / n,
		Allocations:  float64(after.allocations-before.allocations) / n,
		Bytes:        float64(after.bytes-before.bytes) / n,
		Instructions: float64(after.instructions-before.instructions) / n,
		Memory:       float64(memory) / mebibyte,
	}, nil
}

// usage reads the CPU clock next to the load, so that to ask for the rest does not count.
func (r *runner) usage(ctx context.Context, before bool) (u usage, err error) {
	clock := func() (err error) {
		if u.cpu, err = r.competitor.cpu(); err != nil {
			return err
		}
		u.instructions, err = r.counter.read()
		return err
	}
	if !before {
		if err := clock(); err != nil {
			return u, err
		}
	}
	if u.allocations, u.bytes, err = r.competitor.allocated(ctx); err != nil {
		return u, err
	}
	if before {
		err = clock()
	}
	return u, err
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
