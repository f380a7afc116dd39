package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/internal/report"
)

// tables is where -into puts them.
var tables = report.Place{
	Begin: "<!-- The tables: go run ./bench -into writes them. -->\n",
	End:   "<!-- End of the tables. -->\n",
}

// publish writes the results to where o says, and the tables to out.
func (r *results) publish(o options, out io.Writer) error {
	text := r.markdown()
	_, err := io.WriteString(out, text)
	if o.into != "" {
		err = errors.Join(err, tables.Fill(o.into, text))
	}
	if o.json != "" {
		raw, failed := json.MarshalIndent(r, "", "\t")
		err = errors.Join(err, failed, os.WriteFile(o.json, raw, 0o600))
	}
	return err
}

// markdown returns the tables.
func (r *results) markdown() string {
	var w strings.Builder
	r.writeMachine(&w)
	r.writeVerdicts(&w)
	var last cell
	for _, c := range r.Table {
		if c.Size != last.Size || c.TLS != last.TLS {
			last = c.cell
			writeHead(&w, c.cell)
		}
		writeRows(&w, c)
	}
	return w.String()
}

func (r *results) writeMachine(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "\n%s, %d cores, Linux %s, %s", m.Processor, m.Cores, m.Kernel, m.Go)
	for _, other := range []struct{ name, version string }{{"nginx", strings.TrimPrefix(m.Nginx, "nginx/")}, {"haproxy", m.HAProxy}} {
		if other.version != "" {
			fmt.Fprintf(w, ", %s %s", other.name, other.version)
		}
	}
	fmt.Fprintf(w, "; %d connections in the store.", r.Stored)
	switch {
	case !m.Instructions && r.Simulated != nil:
		fmt.Fprint(w, " This machine does not count instructions; a simulated processor did.")
	case !m.Instructions:
		fmt.Fprint(w, " This machine does not count instructions.")
	}
	for _, name := range r.Absent {
		fmt.Fprintf(w, " %s is not installed here.", name)
	}
	fmt.Fprintln(w)
}

func (r *results) writeVerdicts(w io.Writer) {
	if len(r.Verdicts) == 0 {
		return
	}
	fmt.Fprint(w, "\n| 1 KiB, plain upstream, unless it says otherwise | to reach | found (95 %) | |\n|---|---|---|---|\n")
	for _, v := range r.Verdicts {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", v.What, v.Goal, v.Found, v.word())
	}
}

func writeHead(w io.Writer, c cell) {
	upstream := "a plain"
	if c.TLS {
		upstream = "a TLS"
	}
	fmt.Fprintf(w, "\n### %s, %s upstream\n\n", size(c.Size), upstream)
	fmt.Fprint(w, "| clients | | CPU a request ÷ header_up's | requests a second ÷ | p99 ÷ | CPU µs | requests/s | p50 ms | p99 ms | allocations | memory MiB |\n|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
}

func writeRows(w io.Writer, c comparison) {
	base := c.find(headerUp)
	for _, s := range c.Series {
		counted := "–"
		if n := allocations.of(s).Median; n > 0 {
			counted = fmt.Sprintf("%.0f", n)
		}
		fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %.0f | %.0f | %.2f | %.2f | %s | %.0f |\n", c.Connections, s.Name,
			cpu.ratio(s, base), throughput.ratio(s, base), p99.ratio(s, base),
			cpu.of(s).Median, throughput.of(s).Median, p50.of(s).Median/1000, p99.of(s).Median/1000, counted, memory.of(s).Median)
	}
}
