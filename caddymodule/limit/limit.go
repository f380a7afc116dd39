package limit

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// What a limit may be per.
const (
	perCaller     = "caller"
	perConnection = "connection"
)

const (
	// mostCount bounds requests, burst and concurrent. Up to here, the counts are exact
	// enough to tell a nanosecond.
	mostCount = 1_000_000

	leastWindow = time.Second
	mostWindow  = 24 * time.Hour
	// longestRefill bounds how long a bucket takes to be full again, and thus how long
	// somebody who calls once is remembered.
	longestRefill = 24 * time.Hour
)

// Limits are the limits of a route. Each kind may be there once: a rate and a number of concurrent
// requests, each per caller and per connection. A request has to keep to all of them. None are set by default.
type Limits []Limit

// Limit is one limit of a route: either a rate (`requests`) or a number of concurrent requests (`concurrent`).
// A request above it is refused with the status 429 and a `Retry-After`.
type Limit struct {
	// Whose requests are counted together: those of one `caller`, or those through
	// one `connection`, whoever sends them.
	Per string `json:"per"`
	// How many requests may begin in each window, 1 to 1000000.
	Requests int `json:"requests,omitempty"`
	// The time that `requests` is for, 1s to 24h. Default: 1s.
	Window caddy.Duration `json:"window,omitempty"`
	// How many requests may begin at once, after a pause; 1 to 1000000, and no more than the rate
	// makes up for in 24 hours. Default: `requests`.
	Burst int `json:"burst,omitempty"`
	// How many requests may be under way at a time, 1 to 1000000.
	Concurrent int `json:"concurrent,omitempty"`
}

// kind is what may be limited once.
func (l Limit) kind() string {
	if l.Concurrent != 0 {
		return "concurrent requests per " + l.Per
	}
	return "rate per " + l.Per
}

// withDefaults returns l with what it leaves out.
func (l Limit) withDefaults() Limit {
	if l.Requests != 0 && l.Window == 0 {
		l.Window = caddy.Duration(time.Second)
	}
	if l.Requests != 0 && l.Burst == 0 {
		l.Burst = l.Requests
	}
	return l
}

// check returns all that is wrong with l.
func (l Limit) check() error {
	if l.Per != perCaller && l.Per != perConnection {
		return fmt.Errorf("per %q: use caller or connection", l.Per)
	}
	switch {
	case l.Requests == 0 && l.Concurrent == 0:
		return errors.New("it limits nothing; set requests or concurrent")
	case l.Requests != 0 && l.Concurrent != 0:
		return errors.New("requests and concurrent are two limits; write one for each")
	case l.Requests == 0 && (l.Window != 0 || l.Burst != 0):
		return errors.New("window and burst belong to requests; take them away, or write another limit for them")
	case l.Concurrent != 0:
		return checkCount("concurrent", l.Concurrent)
	}
	return l.checkRate()
}

func (l Limit) checkRate() error {
	err := checkCount("requests", l.Requests)
	if l.Burst != 0 {
		err = errors.Join(err, checkCount("burst", l.Burst))
	}
	l = l.withDefaults()
	window := time.Duration(l.Window)
	if window < leastWindow || window > mostWindow {
		err = errors.Join(err, fmt.Errorf("window %s: use 1s to 24h", window))
	}
	if err != nil {
		return err
	}
	// In microseconds, no product is too large.
	if most := int64(l.Requests) * longestRefill.Microseconds() / window.Microseconds(); int64(l.Burst) > most {
		return fmt.Errorf("burst %d: at %d requests in %s, so many are made up for after more than 24h; use at most %d", l.Burst, l.Requests, window, most)
	}
	return nil
}

func checkCount(name string, n int) error {
	if n < 1 || n > mostCount {
		return fmt.Errorf("%s %d: use 1 to %d", name, n, mostCount)
	}
	return nil
}

// check returns all that is wrong with l, each with its place in the list.
func (l Limits) check() error {
	var problems []error
	first := make(map[string]int, len(l))
	for i, limit := range l {
		if err := limit.check(); err != nil {
			problems = append(problems, fmt.Errorf("limits[%d]: %w", i, err))
			continue
		}
		if j, twice := first[limit.kind()]; twice {
			problems = append(problems, fmt.Errorf("limits[%d]: %s is limited in limits[%d] already; keep one of them", i, limit.kind(), j))
			continue
		}
		first[limit.kind()] = i
	}
	return errors.Join(problems...)
}
