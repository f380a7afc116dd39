package tokenstore

import (
	"fmt"
	"time"
)

// RefreshMode says when a connection is refreshed without being asked.
type RefreshMode string

// The refresh modes.
const (
	// RefreshEager refreshes ahead of expiry, always.
	RefreshEager RefreshMode = "eager"
	// RefreshOnDemand refreshes only when a token is asked for.
	RefreshOnDemand RefreshMode = "on_demand"
	// RefreshKeepAlive refreshes on demand, and beyond that once in each period so
	// that a refresh token that dies of idleness does not.
	RefreshKeepAlive RefreshMode = "keep_alive"
)

// RefreshPolicy is a mode and, for keep_alive, its period.
type RefreshPolicy struct {
	Mode   RefreshMode   `json:"mode,omitempty"`
	Period time.Duration `json:"period,omitempty"` // nanoseconds
}

// String returns the policy as the Caddyfile writes it.
func (p RefreshPolicy) String() string {
	if p.Mode == RefreshKeepAlive {
		return fmt.Sprintf("%s %s", p.Mode, p.Period)
	}
	return string(p.Mode)
}

// validate returns what is wrong with p.
func (p RefreshPolicy) validate() error {
	switch p.Mode {
	case RefreshEager, RefreshOnDemand:
		if p.Period != 0 {
			return fmt.Errorf("refresh %s takes no period", p.Mode)
		}
	case RefreshKeepAlive:
		if p.Period < time.Minute {
			return fmt.Errorf("refresh keep_alive needs a period of at least 1m, not %s", p.Period)
		}
	default:
		return fmt.Errorf("unknown refresh mode %q; use eager, on_demand or keep_alive <period>", p.Mode)
	}
	return nil
}
