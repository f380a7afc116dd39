package limit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"
)

// read reads lines as a directive would that knows no other sub-directives.
func read(d *caddyfile.Dispenser) (Limits, error) {
	var l Limits
	for d.Next() {
		known, err := l.UnmarshalSubdirective(d)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, d.Errf("unknown %s", d.Val())
		}
	}
	return l, nil
}

func TestTheCaddyfileSaysWhatTheJSONSays(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"limit caller 600/1m burst 50", `[{"per":"caller","requests":600,"window":60000000000,"burst":50}]`},
		{"limit caller 600/1m", `[{"per":"caller","requests":600,"window":60000000000}]`},
		{"limit connection 20/s", `[{"per":"connection","requests":20,"window":1000000000}]`},
		{"limit connection 20/m", `[{"per":"connection","requests":20,"window":60000000000}]`},
		{"limit connection 20/h", `[{"per":"connection","requests":20,"window":3600000000000}]`},
		{"limit connection 20/d", `[{"per":"connection","requests":20,"window":86400000000000}]`},
		{"limit connection 20/1m30s", `[{"per":"connection","requests":20,"window":90000000000}]`},
		{"limit caller concurrent 4", `[{"per":"caller","concurrent":4}]`},
		{"limit connection concurrent 4\nlimit caller concurrent 2\nlimit caller 1/s\nlimit connection 9/s", `[{"per":"connection","concurrent":4},` +
			`{"per":"caller","concurrent":2},{"per":"caller","requests":1,"window":1000000000},{"per":"connection","requests":9,"window":1000000000}]`},
	} {
		t.Run(tc.text, func(t *testing.T) {
			l, err := read(caddyfile.NewTestDispenser(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if _, err := New(l, time.Now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatTheCaddyfileGetsWrongIsToldWithLineAndRemedy(t *testing.T) {
	const usage = "use limit caller 600/1m burst 50 or limit caller concurrent 4, or the same with connection"
	for _, tc := range []struct{ name, text, want string }{
		{"nothing behind it", "limit", "limit: " + usage},
		{"no number", "limit caller", "limit caller: " + usage},
		{"too much", "limit caller 1/s 5", "limit caller 1/s 5: " + usage},
		{"burst without a number", "limit caller 1/s burst", "limit caller 1/s burst: " + usage},
		{"concurrent without a number", "limit caller concurrent", `limit caller concurrent: "concurrent" is no rate; write how many requests in which time, such as 600/1m or 20/s`},
		{"two limits on a line", "limit caller concurrent 5 burst 2", "limit caller concurrent 5 burst 2: " + usage},
		{"something else to count by", "limit address 1/s", `limit address 1/s: per "address": use caller or connection`},
		{"no window", "limit caller 600", `limit caller 600: "600" is no rate; write how many requests in which time, such as 600/1m or 20/s`},
		{"an empty window", "limit caller 600/", `limit caller 600/: "" is no time; write s, m, h or a duration such as 30s behind the slash`},
		{"a window without a unit", "limit caller 600/60", `limit caller 600/60: "60" is no time; write s, m, h or a duration such as 30s behind the slash`},
		{"a window of nothing", "limit caller 600/0s", `limit caller 600/0s: "0s" is no time; write s, m, h or a duration such as 30s behind the slash`},
		{"a long window", "limit caller 600/2d", `limit caller 600/2d: window 48h0m0s: use 1s to 24h`},
		{"no requests", "limit caller 0/s", `limit caller 0/s: requests "0": use a number from 1 to 1000000`},
		{"half a request", "limit caller 0.5/s", `limit caller 0.5/s: requests "0.5": use a number from 1 to 1000000`},
		{"a signed number", "limit caller +5/s", `limit caller +5/s: requests "+5": use a number from 1 to 1000000`},
		{"no burst", "limit caller 5/s burst 0", `limit caller 5/s burst 0: burst "0": use a number from 1 to 1000000`},
		{"a burst that takes days", "limit caller 1/h burst 25", "limit caller 1/h burst 25: burst 25: at 1 requests in 1h0m0s, so many are made up for after more than 24h; use at most 24"},
		{"nobody at a time", "limit caller concurrent 0", `limit caller concurrent 0: concurrent "0": use a number from 1 to 1000000`},
		{"a block", "limit caller 1/s {\nburst 5\n}", "limit takes no block"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := read(caddyfile.NewTestDispenser(tc.text))
			if err == nil || !strings.HasPrefix(err.Error(), tc.want+", at Testfile:") {
				t.Errorf("error %q, want %q", err, tc.want)
			}
		})
	}
}

func TestTheSameKindTwiceIsRefused(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"limit caller 1/s\nlimit caller 100/1h", "limit: rate per caller is limited already; keep one of them, at Testfile:2"},
		{"limit connection concurrent 1\nlimit caller 1/s\nlimit connection concurrent 1", "limit: concurrent requests per connection is limited already; keep one of them, at Testfile:3"},
	} {
		if _, err := read(caddyfile.NewTestDispenser(tc.text)); err == nil || err.Error() != tc.want {
			t.Errorf("error %q, want %q", err, tc.want)
		}
	}
}

func TestOtherSubdirectivesAreLeftAlone(t *testing.T) {
	d := caddyfile.NewTestDispenser("allow local")
	d.Next()
	var l Limits
	if known, err := l.UnmarshalSubdirective(d); known || err != nil || l != nil || d.Val() != "allow" {
		t.Errorf("known %t, error %v, limits %v, at %s", known, err, l, d.Val())
	}
}

// What the Caddyfile accepts can be loaded, and means the same when it is written out.
func FuzzARateThatIsAcceptedMeansWhatItSays(f *testing.F) {
	for _, s := range []string{"600/1m", "20/s", "1/24h", "1/d", "+1/s", "1/1e9s", "1/-1s", "1000000/0.5d", "5//s", "/", "1/1d1s", "9/NaNd", "07/1s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		limit, err := parse([]string{"caller", s})
		if err == nil {
			err = limit.check()
		}
		if err != nil {
			return
		}
		if _, err := New(Limits{limit}, time.Now); err != nil {
			t.Fatalf("%q cannot be loaded: %v", s, err)
		}
		again, err := parse([]string{"caller", fmt.Sprintf("%d/%s", limit.Requests, time.Duration(limit.Window))})
		if err != nil || again != limit {
			t.Errorf("%q is %+v, and that is %+v, %v", s, limit, again, err)
		}
		if count, _, _ := strings.Cut(s, "/"); fmt.Sprint(limit.Requests) != strings.TrimLeft(count, "0") {
			t.Errorf("%q is %d requests", s, limit.Requests)
		}
	})
}
