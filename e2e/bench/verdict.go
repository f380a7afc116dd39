package main

import "fmt"

// verdict says whether a figure that was to be reached was.
type verdict struct {
	What  string   `json:"what"`
	Goal  string   `json:"goal"`
	Found estimate `json:"found"`
	Kept  bool     `json:"kept"`
	// Sure: the whole interval is on the side of the goal that the verdict says.
	Sure bool `json:"sure"`
}

// atMost passes if the median is no more than the limit.
func atMost(limit float64, what string, found estimate) verdict {
	return verdict{what, fmt.Sprintf("≤ %.2f", limit), found, found.Median <= limit, found.High <= limit || found.Low > limit}
}

// atLeast passes if the median is no less than the limit.
func atLeast(limit float64, what string, found estimate) verdict {
	return verdict{what, fmt.Sprintf("≥ %.2f", limit), found, found.Median >= limit, found.Low >= limit || found.High < limit}
}

// withinNoise passes unless the whole interval is above 1.
func withinNoise(what string, found estimate) verdict {
	return verdict{what, "not surely > 1", found, found.Low <= 1, true}
}

// control is no goal, but what to compare a figure with.
func control(what string, found estimate) verdict {
	return verdict{what, controlled, found, true, true}
}

const controlled = "–"

// word is the verdict as the table has it.
func (v verdict) word() string {
	word := "reached"
	switch {
	case v.Goal == controlled:
		return "a control"
	case !v.Kept:
		word = "**missed**"
	}
	if !v.Sure {
		word += ", not for sure"
	}
	return word
}

// judge compares what was found with what was to be reached.
func (r *results) judge() {
	for _, c := range r.Promises {
		r.Verdicts = append(r.Verdicts, judgePromises(c)...)
	}
	if c := r.Simulated; c != nil {
		ours, stock, at := c.find(tokenProxy), c.find(headerUp), fmt.Sprintf(", %d connections", c.Connections)
		r.Verdicts = append(r.Verdicts,
			atMost(1.05, "instructions a request ÷ Caddy's, tuned alike, without the kernel's"+at, instructions.ratio(ours, stock)),
			atMost(1.05, "the same with `lb_policy`"+at, instructions.ratio(c.find(tokenProxyLB), stock)))
	}
	for _, f := range r.Refreshes {
		r.Verdicts = append(r.Verdicts, f.judge()...)
	}
	if len(r.Bodies) == 2 {
		ours, stock := r.Bodies[0], r.Bodies[1]
		r.Verdicts = append(r.Verdicts,
			atLeast(0.95, size(huge)+" down: rate ÷ Caddy's", ratios(ours.Down, stock.Down)),
			atLeast(0.95, size(huge)+" up: rate ÷ Caddy's", ratios(ours.Up, stock.Up)),
			atMost(10, fmt.Sprintf("%s: MiB of memory over idle (Caddy: %.1f)", size(huge), stock.Growth), exactly(ours.Growth)))
	}
}

// judgePromises takes what it finds: the competitors differ from one comparison to the next.
func judgePromises(c comparison) (all []verdict) {
	ours, stock, at := c.find(tokenProxy), c.find(headerUp), fmt.Sprintf(", %d connections", c.Connections)
	if base := c.find(bare); base != nil {
		return append(all,
			atMost(maxAllocations, "allocations a request − those of bare reverse_proxy"+at, allocations.above(ours, base)),
			atMost(maxAllocations, "the same with `lb_policy`"+at, allocations.above(c.find(tokenProxyLB), base)),
			atLeast(1.5, "tokens handed out a second ÷ requests that Caddy forwards"+at, throughput.ratio(c.find(tokenEndpoint), stock)))
	}
	all = append(all,
		atMost(1.05, "CPU a request ÷ Caddy's, tuned alike"+at, cpu.ratio(ours, stock)),
		atMost(1.05, "the same with `lb_policy`"+at, cpu.ratio(c.find(tokenProxyLB), stock)))
	if instructions.of(stock).Median > 0 {
		all = append(all, atMost(1.05, "instructions a request ÷ Caddy's, tuned alike"+at, instructions.ratio(ours, stock)))
	}
	if c.Connections == 64 {
		all = append(all, atMost(1, "CPU a request ÷ Caddy's with its defaults"+at, cpu.ratio(ours, c.find(headerUp32))))
	}
	return append(all, withinNoise("p99 ÷ Caddy's, tuned alike"+at, p99.ratio(ours, stock)))
}

// maxAllocations is how many more objects a request may allocate than with bare reverse_proxy.
const maxAllocations = 10

func exactly(x float64) estimate { return estimate{x, x, x} }

// missed returns how many figures were not reached.
func (r *results) missed() (n int) {
	for _, v := range r.Verdicts {
		if !v.Kept {
			n++
		}
	}
	return n
}
