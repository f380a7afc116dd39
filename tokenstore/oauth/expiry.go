package oauth

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/tokenstore/secret"
)

// maxLifetime is as long as any access token is believed to live.
const maxLifetime = 10 * 365 * 24 * time.Hour

// expiry says when a token expires that was asked for at sentAt: by expires_in
// (RFC 6749 section 5.1), by the expires_at that Square and Strava send, or by
// the token's own claim if it is a JWT. The zero time means that nothing says
// so. A lifetime that is not positive says nothing either: nobody issues a
// token that is already dead, but some write 0 for one that does not expire.
func expiry(f map[string]field, accessToken secret.String, sentAt time.Time) time.Time {
	if s, ok := f["expires_in"].seconds(); ok && s >= 1 {
		if s >= maxLifetime.Seconds() {
			return sentAt.Add(maxLifetime)
		}
		return sentAt.Add(time.Duration(s) * time.Second)
	}
	if at, ok := f["expires_at"].instant(); ok && plausible(at, sentAt) {
		return at
	}
	if at, ok := jwtClaims(accessToken.Reveal())["exp"].instant(); ok && plausible(at, sentAt) {
		return at
	}
	return time.Time{}
}

// plausible refuses instants that a wrong clock or a wrong unit made: to take
// milliseconds for seconds would make a token immortal.
func plausible(at, sentAt time.Time) bool {
	return at.After(sentAt) && at.Before(sentAt.Add(maxLifetime))
}

// seconds reads a number, or a string with a number in it. What is too large
// for a float64 is infinite.
func (f field) seconds() (float64, bool) {
	if f.conflict {
		return 0, false
	}
	text := string(f.value)
	if s, ok := f.text(); ok {
		text = strings.TrimSpace(s)
	}
	// The JSON grammar keeps out what ParseFloat takes beyond it: NaN, Inf,
	// hexadecimal and a leading plus sign.
	if text == "" || !strings.ContainsRune("-0123456789", rune(text[0])) || !json.Valid([]byte(text)) {
		return 0, false
	}
	s, _ := strconv.ParseFloat(text, 64) // ±Inf if it is out of range
	return s, true
}

// instant reads Unix seconds or an RFC 3339 time.
func (f field) instant() (time.Time, bool) {
	if s, ok := f.seconds(); ok {
		if s < 0 || s > 1e11 { // beyond the year 5000, or milliseconds
			return time.Time{}, false
		}
		return time.Unix(int64(s), 0).UTC(), true
	}
	text, _ := f.text()
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC(), err == nil
}
