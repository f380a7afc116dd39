package oauth

import "testing"

// A token that expires while a machine sleeps has expired, and the monotonic clock stands still meanwhile.
func TestExpiriesAreCountedFromTheWallClockAlone(t *testing.T) {
	if now := NewClient(Options{}).now(); now != now.Round(0) {
		t.Errorf("%v has a reading of the monotonic clock", now)
	}
}
