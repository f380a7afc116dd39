package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// results are what a run found out.
type results struct {
	Machine   machine       `json:"machine"`
	Absent    []string      `json:"absent"` // competitors that are not installed
	Stored    int           `json:"stored"` // connections in the store
	Table     []comparison  `json:"table"`
	Promises  []comparison  `json:"promises"`
	Simulated *comparison   `json:"simulated"` // on valgrind's processor; nil if that was left out
	Bodies    []transfers   `json:"bodies"`
	Refreshes []*refreshing `json:"refreshes"`
	Verdicts  []verdict     `json:"verdicts"`
}

// comparison is what a cell gave.
type comparison struct {
	cell
	Series []*series `json:"series"`
}

// find returns the series of a competitor, nil if it did not take part.
func (c comparison) find(name string) *series {
	i := slices.IndexFunc(c.Series, func(s *series) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return c.Series[i]
}

// promiseCells are those that a promise is about.
func promiseCells() []cell {
	return []cell{{Connections: 16, Size: kibibyte}, {Connections: 64, Size: kibibyte}}
}

// run measures what o asks for, and says on progress how far it is.
func run(ctx context.Context, o options, progress io.Writer) (*results, error) {
	begin := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%4.0fs  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	}
	r := &results{Machine: describe(ctx), Stored: o.stored}
	names, err := r.present(o.competitors, say)
	if err != nil {
		return nil, err
	}
	say("start the servers")
	b, err := newBench(ctx, o.caddy)
	if err != nil {
		return nil, err
	}
	defer b.close()
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{partBodies, func() (err error) { r.Bodies, err = b.transfer(ctx, o.bodies, say); return err }},
		{partTable, func() (err error) { r.Table, err = b.compare(ctx, o, o.cells(), names, o.table, say); return err }},
		{partPromises, func() (err error) { r.Promises, err = b.promises(ctx, o, say); return err }},
		{partRefreshes, func() (err error) { r.Refreshes, err = b.refresh(ctx, o, say); return err }},
		{partInstructions, func() error { return r.simulate(ctx, b, say) }},
	} {
		if !slices.Contains(o.parts, part.name) {
			continue
		}
		if err := part.run(); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	say("done")
	r.judge()
	return r, nil
}

// compare measures competitors in cells.
func (b *bench) compare(ctx context.Context, o options, cells []cell, names []string, p pace, say func(string, ...any)) (all []comparison, err error) {
	if err := b.fillOnce(ctx, tokenProxy, o.stored, say); err != nil {
		return nil, err
	}
	for _, c := range cells {
		say("%s", c)
		s, err := b.measure(ctx, c, names, p)
		if err != nil {
			return nil, err
		}
		all = append(all, comparison{c, s})
	}
	return all, nil
}

// promises measures this forwarder against Caddy with many and long turns, and what is nearly exact with a few.
func (b *bench) promises(ctx context.Context, o options, say func(string, ...any)) (all []comparison, err error) {
	for _, name := range []string{tokenProxy, tokenProxyLB} {
		if err := b.fillOnce(ctx, name, o.stored, say); err != nil {
			return nil, err
		}
	}
	for _, c := range promiseCells() {
		names := []string{tokenProxy, tokenProxyLB, headerUp, headerUp32}
		length := time.Duration(len(names)*(o.promises.rounds+1)) * o.promises.turn
		long, err := b.profiled(ctx, o, c, length, func() ([]comparison, error) { return b.compare(ctx, o, []cell{c}, names, o.promises, say) })
		if err != nil {
			return nil, err
		}
		names = []string{tokenProxy, tokenProxyLB, headerUp, bare, tokenEndpoint}
		short, err := b.compare(ctx, o, []cell{c}, names, pace{fewest, o.table.turn}, say)
		if err != nil {
			return nil, err
		}
		all = append(all, long[0], short[0])
	}
	return all, nil
}

// profiled keeps CPU profiles of what measure does in its time, if o asks for them.
func (b *bench) profiled(ctx context.Context, o options, c cell, length time.Duration, measure func() ([]comparison, error)) ([]comparison, error) {
	if o.profile == "" {
		return measure()
	}
	var wg sync.WaitGroup
	var failed [2]error
	for i, name := range [...]string{tokenProxy, headerUp} {
		entrant, err := b.enter(ctx, name)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			file := filepath.Join(o.profile, fmt.Sprintf("%s-%d.pprof", name, c.Connections))
			failed[i] = entrant.profile(ctx, file, length)
		})
	}
	found, err := measure()
	wg.Wait()
	return found, errors.Join(append(failed[:], err)...)
}

// String is how a cell is called.
func (c cell) String() string {
	upstream := "plain"
	if c.TLS {
		upstream = "TLS"
	}
	return fmt.Sprintf("%s, %s upstream, %d connections", size(c.Size), upstream, c.Connections)
}

func size(bytes int64) string {
	switch {
	case bytes >= mebibyte && bytes%mebibyte == 0:
		return fmt.Sprintf("%d MiB", bytes/mebibyte)
	case bytes >= kibibyte && bytes%kibibyte == 0:
		return fmt.Sprintf("%d KiB", bytes/kibibyte)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
