package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

func metricsStep() step {
	return step{
		name: "The metrics tell how it is",
		text: "For Prometheus, counted since the restart. None of them tells a secret.",
		run:  readMetrics,
	}
}

// watched are the metrics that are shown.
var watched = []string{
	"connections", "unsaved_tokens", "refreshes_total", "requests_forwarded_total",
	"tokens_handed_out_total", "storage_commits_total",
}

const metricsPrefix = "caddy_token_store_"

func readMetrics(ctx context.Context, d *demo, p *printer) (string, error) {
	c := d.metricsCall()
	p.command(append(c.curl(), "|", "grep", metricsPrefix))
	a, err := c.send(ctx, d.client)
	if err != nil {
		return "", err
	}
	if err := a.wantsOK(); err != nil {
		return "", err
	}
	total := 0
	for _, name := range watched {
		found := samples(string(a.body), metricsPrefix+name)
		if len(found) == 0 {
			return "", unexpected{want: "the metric " + metricsPrefix + name, got: "none of that name"}
		}
		for _, s := range found {
			p.line(s)
		}
		total += len(found)
	}
	if unsaved := samples(string(a.body), metricsPrefix+"unsaved_tokens"); unsaved[0] != metricsPrefix+"unsaved_tokens 0" {
		return "", unexpected{want: "every token on the disk", got: unsaved[0]}
	}
	return fmt.Sprintf("%d lines, every token is on the disk", total), nil
}

func (d *demo) metricsCall() call {
	return call{method: http.MethodGet, url: d.admin() + "/metrics"}
}

// samples returns the lines of a metric.
func samples(text, name string) []string {
	var found []string
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if ok && (rest[0] == ' ' || rest[0] == '{') {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
