package tokenstore

import "testing"

// With a reading of the monotonic clock, which stands still while a machine sleeps, a time would be compared by that.
func TestTheStoresClockIsTheWallClockAlone(t *testing.T) {
	if now := wallClock(); now != now.Round(0) {
		t.Errorf("%v has a reading of the monotonic clock", now)
	}
}
