package limit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/directive"
)

// UnmarshalSubdirective reads the sub-directive that d stands at, if it is one
// about limits:
//
//	limit caller|connection <requests>/<window> [burst <n>]
//	limit caller|connection concurrent <n>
//
// limit may be repeated, once for each of the four kinds. A window is a duration, or a unit alone
// for one of it: 20/s, 600/1m, 10/30s.
func (l *Limits) UnmarshalSubdirective(d *caddyfile.Dispenser) (known bool, err error) {
	if d.Val() != "limit" {
		return false, nil
	}
	args := d.RemainingArgs()
	limit, err := parse(args)
	if err == nil {
		err = limit.check()
	}
	if err != nil {
		return true, d.Errf("%s: %w", strings.Join(append([]string{"limit"}, args...), " "), err)
	}
	for _, other := range *l {
		if other.kind() == limit.kind() {
			return true, d.Errf("limit: %s is limited already; keep one of them", limit.kind())
		}
	}
	*l = append(*l, limit)
	return true, directive.NoBlock(d, "limit")
}

// parse reads the arguments of limit. What it returns has to be checked.
func parse(args []string) (Limit, error) {
	if len(args) < 2 {
		return Limit{}, errUsage()
	}
	limit, rest := Limit{Per: args[0]}, args[1:]
	var err error
	switch {
	case rest[0] == "concurrent" && len(rest) == 2:
		limit.Concurrent, err = parseCount("concurrent", rest[1])
	case len(rest) == 1 || len(rest) == 3 && rest[1] == "burst":
		if limit.Requests, limit.Window, err = parseRate(rest[0]); err != nil {
			return Limit{}, err
		}
		if len(rest) == 3 {
			limit.Burst, err = parseCount("burst", rest[2])
		}
	default:
		err = errUsage()
	}
	return limit, err
}

func errUsage() error {
	return errors.New("use limit caller 600/1m burst 50 or limit caller concurrent 4, or the same with connection")
}

// parseRate reads <requests>/<window>. Whether the window is a sensible one, Limit.check tells.
func parseRate(s string) (requests int, window caddy.Duration, err error) {
	count, per, found := strings.Cut(s, "/")
	if !found {
		return 0, 0, fmt.Errorf("%q is no rate; write how many requests in which time, such as 600/1m or 20/s", s)
	}
	if requests, err = parseCount("requests", count); err != nil {
		return 0, 0, err
	}
	if isUnit(per) {
		per = "1" + per
	}
	duration, err := caddy.ParseDuration(per)
	// Of 0, nobody could tell later that it was not left out.
	if err != nil || duration < time.Nanosecond {
		return 0, 0, fmt.Errorf("%q is no time; write s, m, h or a duration such as 30s behind the slash", per)
	}
	return requests, caddy.Duration(duration), nil
}

func isUnit(s string) bool {
	switch s {
	case "s", "m", "h", "d":
		return true
	}
	return false
}

// parseCount reads a number that is not 0: that would mean "left out" later. Signs are none of it.
func parseCount(name, s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n < 1 || n > mostCount {
		return 0, fmt.Errorf("%s %q: use a number from 1 to %d", name, s, mostCount)
	}
	return int(n), nil
}
