package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parts of a run, in their order.
const (
	partBodies       = "bodies"       // of 512 MiB, before there is much in the store
	partTable        = "table"        // all competitors in all cells
	partPromises     = "promises"     // the cells that a promise is about, with more rounds
	partRefreshes    = "refreshes"    // what refreshes cost the requests
	partInstructions = "instructions" // of a request, on a simulated processor
)

// options are what the command line says.
type options struct {
	caddy, json, into, profile    string
	gate                          bool
	parts, competitors, upstreams words
	connections, sizes            numbers
	stored                        int // connections in the store
	table, promises               pace
	refreshes, bodies             int // rounds
}

// fewest is the number of rounds below which a median has no interval of 95 %.
const fewest = 6

// parse reads the command line.
func parse(args []string) (options, error) {
	o := options{
		parts:       words{partBodies, partTable, partPromises, partRefreshes, partInstructions},
		competitors: words{tokenProxy, headerUp, headerUp32, forwardAuth, goProxy, nginx, haproxy},
		upstreams:   words{"plain", "tls"},
		connections: numbers{1, 16, 64, 256},
		sizes:       numbers{kibibyte, mebibyte},
	}
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	f.StringVar(&o.caddy, "caddy", "", "Caddy with this plugin; built if empty")
	f.StringVar(&o.json, "json", "", "write all samples to this `file`")
	f.StringVar(&o.into, "into", "", "put the tables into this Markdown `file`, between its markers")
	f.StringVar(&o.profile, "profile", "", "write CPU profiles of the part promises to this `directory`")
	f.BoolVar(&o.gate, "gate", false, "fail if a figure is missed")
	f.Var(&o.parts, "parts", "what to measure")
	f.Var(&o.competitors, "competitors", "who is in the tables")
	f.Var(&o.connections, "connections", "numbers of clients")
	f.Var(&o.sizes, "sizes", "bytes of an answer")
	f.Var(&o.upstreams, "upstreams", "kinds of upstream")
	f.IntVar(&o.stored, "stored", 100_000, "connections in the store")
	f.IntVar(&o.table.rounds, "rounds", 8, "rounds of each cell of the tables")
	f.IntVar(&o.promises.rounds, "promise-rounds", 20, "rounds of the cells that a promise is about")
	f.DurationVar(&o.promises.turn, "promise-turn", time.Second, "how long it has it where a promise is measured")
	f.IntVar(&o.refreshes, "refresh-rounds", 10, "rounds with and without refreshes")
	f.IntVar(&o.bodies, "body-rounds", 8, "rounds of large bodies")
	f.DurationVar(&o.table.turn, "turn", 200*time.Millisecond, "how long a competitor has its turn in a table")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(f.Args())
}

func (o *options) check(rest []string) error {
	var problems []error
	if len(rest) > 0 {
		problems = append(problems, fmt.Errorf("%q is no flag", rest[0]))
	}
	for _, rounds := range []int{o.table.rounds, o.promises.rounds, o.refreshes, o.bodies} {
		if rounds < fewest {
			problems = append(problems, fmt.Errorf("%d rounds: it takes %d to tell how sure a median is", rounds, fewest))
		}
	}
	for _, name := range o.competitors {
		if _, err := find(name); err != nil {
			problems = append(problems, err)
		}
	}
	if !slices.Contains(o.competitors, headerUp) {
		problems = append(problems, errors.New("competitors: all are compared with "+headerUp))
	}
	problems = append(problems,
		o.parts.among("parts", partBodies, partTable, partPromises, partRefreshes, partInstructions),
		o.upstreams.among("upstreams", "plain", "tls"))
	return errors.Join(problems...)
}

// cells returns the cells of the tables.
func (o *options) cells() (all []cell) {
	for _, upstream := range o.upstreams {
		for _, size := range o.sizes {
			for _, connections := range o.connections {
				all = append(all, cell{Connections: int(connections), Size: size, TLS: upstream == "tls"})
			}
		}
	}
	return all
}

// words is a list in a flag.
type words []string

// String implements flag.Value.
func (w *words) String() string { return strings.Join(*w, ",") }

// Set implements flag.Value.
func (w *words) Set(text string) error {
	*w = strings.Split(text, ",")
	return nil
}

func (w *words) among(flag string, known ...string) error {
	for _, word := range *w {
		if !slices.Contains(known, word) {
			return fmt.Errorf("%s: there is no %q", flag, word)
		}
	}
	return nil
}

// numbers is a list of positive numbers in a flag.
type numbers []int64

// String implements flag.Value.
func (n *numbers) String() string {
	var w words
	for _, number := range *n {
		w = append(w, strconv.FormatInt(number, 10))
	}
	return w.String()
}

// Set implements flag.Value.
func (n *numbers) Set(text string) error {
	*n = nil
	for word := range strings.SplitSeq(text, ",") {
		number, err := strconv.ParseUint(word, 10, 31)
		if err != nil || number == 0 {
			return fmt.Errorf("%q is no positive number", word)
		}
		*n = append(*n, int64(number))
	}
	return nil
}
