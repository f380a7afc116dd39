package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	valgrind    = "valgrind"
	simulations = 2400 // requests of a turn; each takes some ten milliseconds
)

// simulate counts instructions, if valgrind is there.
func (r *results) simulate(ctx context.Context, b *bench, say func(string, ...any)) error {
	there, err := r.installed(valgrind, say)
	if there {
		r.Simulated, err = b.simulate(ctx, simulations, say)
	}
	return err
}

// simulate counts instructions on valgrind's simulated processor, which counts on every machine, and the same however busy it
// is. It sees the program and not the kernel, and runs one thread at a time.
func (b *bench) simulate(ctx context.Context, requests int, say func(string, ...any)) (found *comparison, err error) {
	say("instructions, on a simulated processor")
	under, err := b.underValgrind()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, under.leaveAll()) }()
	in := cell{Connections: 16, Size: kibibyte}
	var runners []*runner
	found = &comparison{cell: in}
	for _, name := range []string{tokenProxy, tokenProxyLB, headerUp} {
		r, err := under.newRunner(ctx, in, name)
		if err != nil {
			return nil, err
		}
		defer r.close()
		runners, found.Series = append(runners, r), append(found.Series, r.series)
	}
	for _, name := range []string{tokenProxy, tokenProxyLB, headerUp} {
		// Until now it went faster, without counting.
		if err := vgdb(ctx, under.competitors[name], "instrumentation", "on"); err != nil {
			return nil, err
		}
	}
	for round := range fewest + 1 {
		for _, i := range rand.Perm(len(runners)) {
			n, err := runners[i].simulated(ctx, requests)
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", runners[i].Name, err, runners[i].competitor.output())
			}
			if round > 0 { // else it was to warm up
				runners[i].Samples = append(runners[i].Samples, sample{Instructions: n})
			}
		}
	}
	return found, nil
}

// underValgrind returns a bench with the same servers, and competitors of its own that are simulated.
func (b *bench) underValgrind() (*bench, error) {
	dir := filepath.Join(b.dir, valgrind)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	// With several processors, idle threads that look for work would count too.
	// Callgrind fails at the signals with which Go preempts goroutines.
	script := fmt.Sprintf("#!/bin/sh\nGOMAXPROCS=1 GODEBUG=asyncpreemptoff=1 exec %s --tool=callgrind --instr-atstart=no --callgrind-out-file=%s --vgdb-prefix=%s '%s' \"$@\"\n",
		valgrind, countFile, filepath.Join(dir, vgdbPrefix), b.caddy)
	under := &bench{dir: dir, ca: b.ca, caddy: filepath.Join(dir, "caddy"), api: b.api, oauth: b.oauth, competitors: make(map[string]*competitor)}
	return under, os.WriteFile(under.caddy, []byte(script), 0o700) //nolint:gosec // it is run
}

const (
	countFile  = "instructions" // what callgrind writes in the directory of a competitor, with the number of the dump behind it
	vgdbPrefix = "vgdb"         // of the pipes through which valgrind is told what to do
)

// simulated returns the instructions of one request, of so many.
func (r *runner) simulated(ctx context.Context, requests int) (float64, error) {
	// Each turn has as many collections of garbage as the others.
	if err := call(ctx, r.competitor.admin, http.MethodGet, "/debug/pprof/heap?gc=1", nil); err != nil {
		return 0, err
	}
	if err := vgdb(ctx, r.competitor, "zero"); err != nil {
		return 0, err
	}
	each := max(1, requests/len(r.load.clients))
	if err := r.load.send(each); err != nil {
		return 0, err
	}
	if err := vgdb(ctx, r.competitor, "dump"); err != nil {
		return 0, err
	}
	total, err := takeCount(r.competitor.dir)
	return float64(total) / float64(each*len(r.load.clients)), err
}

// vgdb sends a command to the valgrind that runs a competitor.
func vgdb(ctx context.Context, c *competitor, command ...string) error {
	args := append([]string{"--vgdb-prefix=" + filepath.Join(filepath.Dir(c.dir), vgdbPrefix), "--pid=" + strconv.Itoa(c.cmd.Process.Pid)}, command...)
	if out, err := exec.CommandContext(ctx, "vgdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("vgdb: %w\n%s", err, out)
	}
	return nil
}

// takeCount returns what the dump in dir counted, and removes it.
func takeCount(dir string) (int64, error) {
	files, err := filepath.Glob(filepath.Join(dir, countFile+".*"))
	if err != nil || len(files) != 1 {
		return 0, errors.Join(err, fmt.Errorf("valgrind wrote %d dumps, and not one", len(files)))
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if total, ok := strings.CutPrefix(line, "totals: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
			return n, errors.Join(err, os.Remove(files[0]))
		}
	}
	return 0, errors.New("the dump of valgrind has no total")
}
