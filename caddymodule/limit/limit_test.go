package limit

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func TestALimitThatMakesNoSenseIsRefusedWithARemedy(t *testing.T) {
	const hour = caddy.Duration(time.Hour)
	for _, tc := range []struct {
		name  string
		limit Limit
		want  string
	}{
		{"it is per nothing", Limit{Requests: 1}, `per "": use caller or connection`},
		{"it is per something else", Limit{Per: "address", Requests: 1}, `per "address": use caller or connection`},
		{"nothing is limited", Limit{Per: "caller"}, "it limits nothing; set requests or concurrent"},
		{"two limits in one", Limit{Per: "caller", Requests: 1, Concurrent: 1}, "requests and concurrent are two limits; write one for each"},
		{"a window for concurrent requests", Limit{Per: "caller", Window: hour, Concurrent: 1}, "window and burst belong to requests; take them away, or write another limit for them"},
		{"a burst for concurrent requests", Limit{Per: "caller", Burst: 1, Concurrent: 1}, "window and burst belong to requests; take them away, or write another limit for them"},
		{"fewer than no requests", Limit{Per: "caller", Requests: -1}, "requests -1: use 1 to 1000000"},
		{"more requests than can be counted", Limit{Per: "caller", Requests: 1_000_001}, "requests 1000001: use 1 to 1000000"},
		{"a negative burst", Limit{Per: "caller", Requests: 1, Burst: -1}, "burst -1: use 1 to 1000000"},
		{"fewer than no concurrent requests", Limit{Per: "caller", Concurrent: -1}, "concurrent -1: use 1 to 1000000"},
		{"a short window", Limit{Per: "caller", Requests: 1, Window: caddy.Duration(time.Second - 1)}, "window 999.999999ms: use 1s to 24h"},
		{"a negative window", Limit{Per: "caller", Requests: 1, Window: -hour}, "window -1h0m0s: use 1s to 24h"},
		{"a long window", Limit{Per: "caller", Requests: 1, Window: 24*hour + 1}, "window 24h0m0.000000001s: use 1s to 24h"},
		{"a burst that takes days", Limit{Per: "caller", Requests: 10, Window: hour, Burst: 241}, "burst 241: at 10 requests in 1h0m0s, so many are made up for after more than 24h; use at most 240"},
		{"all of it", Limit{Per: "caller", Requests: -1, Burst: -2, Window: 1}, "requests -1: use 1 to 1000000\nburst -2: use 1 to 1000000\nwindow 1ns: use 1s to 24h"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := New(Limits{tc.limit}, time.Now)
			if err == nil || err.Error() != "limits[0]: "+tc.want {
				t.Errorf("error %q, want limits[0]: %q", err, tc.want)
			}
			if l != nil {
				t.Error("there is a limiter in spite of the error")
			}
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	_, err := New(Limits{
		{Per: "caller", Requests: 1},
		{Per: "everybody", Requests: 1},
		{Per: "connection", Requests: 1},
		{Per: "caller", Requests: 5, Window: caddy.Duration(time.Minute)},
		{Per: "caller", Concurrent: 2},
		{Per: "connection"},
		{Per: "caller", Concurrent: 2},
	}, time.Now)
	want := []string{
		`limits[1]: per "everybody": use caller or connection`,
		"limits[3]: rate per caller is limited in limits[0] already; keep one of them",
		"limits[5]: it limits nothing; set requests or concurrent",
		"limits[6]: concurrent requests per caller is limited in limits[4] already; keep one of them",
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("error:\n%v\nwant:\n%s", err, strings.Join(want, "\n"))
	}
}

func TestTheLargestLimitsAreAccepted(t *testing.T) {
	for _, text := range []string{
		`[{"per":"caller","requests":1}]`,
		`[{"per":"caller","requests":1000000,"burst":1000000}]`,
		`[{"per":"caller","requests":1,"window":"24h"}]`,
		`[{"per":"caller","requests":999983,"window":"1d"}]`,
		`[{"per":"caller","requests":10,"window":"1h","burst":240}]`,
		`[{"per":"caller","concurrent":1000000},{"per":"connection","concurrent":1},{"per":"caller","requests":7,"window":"90s"},{"per":"connection","requests":7}]`,
	} {
		var l Limits
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if limiter, err := New(l, time.Now); err != nil || limiter == nil {
			t.Errorf("%s: limiter %v, error %v", text, limiter, err)
		}
	}
}
