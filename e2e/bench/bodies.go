package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// transfers are the large bodies that went through a competitor.
type transfers struct {
	Name   string    `json:"name"`
	Down   []float64 `json:"down"` // MiB a second, round by round
	Up     []float64 `json:"up"`
	Growth float64   `json:"growth"` // MiB of memory, at most, over what it had when idle
}

// transfer sends large bodies through this forwarder and the stock Caddy by turns.
func (b *bench) transfer(ctx context.Context, rounds int, say func(string, ...any)) ([]transfers, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	say("%s up and down", size(huge))
	all := []transfers{{Name: tokenProxy}, {Name: headerUp}}
	idle := make([]int64, len(all))
	for i, t := range all {
		c, err := b.enter(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		for _, of := range []func(context.Context, *competitor, int64) (float64, error){download, upload} {
			if _, err := of(ctx, c, mebibyte); err != nil {
				return nil, err
			}
		}
		if err := c.forgetPeak(); err != nil {
			return nil, err
		}
		if idle[i], err = c.memory(); err != nil {
			return nil, err
		}
	}
	for range rounds {
		for _, i := range rand.Perm(len(all)) {
			c := b.competitors[all[i].Name]
			down, err := download(ctx, c, huge)
			if err != nil {
				return nil, fmt.Errorf("down: %w", err)
			}
			up, err := upload(ctx, c, huge)
			if err != nil {
				return nil, fmt.Errorf("up: %w", err)
			}
			all[i].Down, all[i].Up = append(all[i].Down, down), append(all[i].Up, up)
		}
	}
	for i := range all {
		peak, err := b.competitors[all[i].Name].peak()
		if err != nil {
			return nil, err
		}
		all[i].Growth = float64(peak-idle[i]) / mebibyte
	}
	return all, nil
}

// download returns how many MiB a second came.
func download(ctx context.Context, c *competitor, bytes int64) (float64, error) {
	begin := time.Now()
	if err := once(ctx, c.target(false, bytes)); err != nil {
		return 0, err
	}
	return float64(bytes) / mebibyte / time.Since(begin).Seconds(), nil
}

// upload returns how many MiB a second went.
func upload(ctx context.Context, c *competitor, bytes int64) (float64, error) {
	to := c.target(false, 0)
	conn, err := dial(ctx, to)
	if err != nil {
		return 0, err
	}
	defer conn.close()
	host, err := url.Parse(to.url)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	head := fmt.Appendf(nil, "%s / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", http.MethodPut, host.Host, bytes)
	if _, err := conn.conn.Write(head); err != nil {
		return 0, err
	}
	for left := bytes; left > 0; left -= min(left, int64(len(filler))) {
		if _, err := conn.conn.Write(filler[:min(left, int64(len(filler)))]); err != nil {
			return 0, err
		}
	}
	if err := conn.answer(0); err != nil {
		return 0, err
	}
	return float64(bytes) / mebibyte / time.Since(begin).Seconds(), nil
}

// ratios divides round by round.
func ratios(values, base []float64) estimate {
	all := make([]float64, len(values))
	for i, v := range values {
		all[i] = v / base[i]
	}
	return estimateOf(all)
}
