package main

import (
	"fmt"
	"slices"

	"golang.org/x/perf/benchmath"
)

// estimate is a median, and the interval that it is in with 95 % confidence, whatever the distribution is.
type estimate struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

func (e estimate) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", e.Median, e.Low, e.High) }

// estimateOf needs at least as many values as fewest.
func estimateOf(values []float64) estimate {
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds), 0.95)
	return estimate{s.Center, s.Lo, s.Hi}
}

// measure picks a figure of a sample.
type measure func(sample) float64

// The measures.
var (
	cpu          measure = func(s sample) float64 { return s.CPU }
	throughput   measure = func(s sample) float64 { return s.Rate }
	p50          measure = func(s sample) float64 { return s.P50 }
	p99          measure = func(s sample) float64 { return s.P99 }
	allocations  measure = func(s sample) float64 { return s.Allocations }
	instructions measure = func(s sample) float64 { return s.Instructions }
	memory       measure = func(s sample) float64 { return s.Memory }
)

// of returns the figure's estimate.
func (m measure) of(s *series) estimate {
	return estimateOf(m.each(s, func(x float64, _ int) float64 { return x }))
}

// ratio returns the estimate of the figure of s as a multiple of the one that base has in the same round.
func (m measure) ratio(s, base *series) estimate {
	return estimateOf(m.each(s, func(x float64, round int) float64 { return x / m(base.Samples[round]) }))
}

// above returns the estimate of by how much the figure of s is more than that of base.
func (m measure) above(s, base *series) estimate {
	return estimateOf(m.each(s, func(x float64, round int) float64 { return x - m(base.Samples[round]) }))
}

func (m measure) each(s *series, f func(x float64, round int) float64) []float64 {
	all := make([]float64, len(s.Samples))
	for i, x := range s.Samples {
		all[i] = f(m(x), i)
	}
	return all
}
