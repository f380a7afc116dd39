package limit

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

func entriesOf(t *table) int {
	if len(t.ring) != len(t.entries) {
		return -1
	}
	return len(t.ring)
}

func TestAFloodOfNewcomersGrowsNoMemoryAndLocksNobodyOut(t *testing.T) {
	const most = 100
	c := newClock()
	l := newTestLimiter(t, c.now, most, Limit{Per: "caller", Requests: 3, Window: minute})
	admit := func(caller string) bool {
		_, _, ok := l.Admit(caller, "x")
		return ok
	}
	if !admit("known") {
		t.Fatal("the first request is refused")
	}
	passed := 0
	for i := range 10 * most {
		if admit(fmt.Sprint("made-up ", i)) {
			passed++
		}
	}
	// One for each of those who have an entry, and three for all the others together.
	if want := most - 1 + 3; passed != want {
		t.Errorf("%d of the flood passed, want %d", passed, want)
	}
	if n := entriesOf(l.callers); n != most {
		t.Errorf("%d entries, want %d", n, most)
	}
	for i, want := range []bool{true, true, false} {
		if admit("known") != want {
			t.Errorf("request %d of one who is known: admitted %t", i+2, !want)
		}
	}
	c.advance(time.Minute)
	admit("newcomer") // still with the others, and makes room
	if !admit("newcomer") || l.callers.entries["newcomer"] == nil {
		t.Error("a newcomer gets no entry, although the others have nothing to remember")
	}
}

// One customer of one provider can have as many networks as there is room for.
func TestAFloodFromOneNetworkLocksOutItsNeighboursAlone(t *testing.T) {
	const most = 1000
	c := newClock()
	l := newTestLimiter(t, c.now, most, Limit{Per: "caller", Requests: 3, Window: minute})
	admit := func(caller string) bool {
		_, _, ok := l.Admit(caller, "x")
		return ok
	}
	address := func(a string) string { return "address " + CallerOfAddress(a) }
	passed := 0
	for i := range 10 * most {
		if admit(address(fmt.Sprintf("2001:db8:%x:%x::1", i>>8, i&0xff))) {
			passed++
		}
	}
	if want := most + 3; passed != want {
		t.Errorf("%d of the flood passed, want %d", passed, want)
	}
	if admit(address("2001:db8:ffff::1")) {
		t.Error("a newcomer next to the flood is not counted with it")
	}
	if !admit("key backend") {
		t.Error("a newcomer with a name is locked out")
	}
	outside := 0
	for i := range 100 {
		if admit(address(fmt.Sprintf("2a%02x:%x::1", i, i))) {
			outside++
		}
		if admit(address(fmt.Sprintf("198.%d.100.1", i))) {
			outside++
		}
	}
	// Some share a limit with the flood or with too many others, by chance.
	if outside < 150 {
		t.Errorf("only %d newcomers of 200 networks are let in", outside)
	}
	if n := entriesOf(l.callers); n != most {
		t.Errorf("%d entries, want %d", n, most)
	}
}

func TestTheFloodMakesRoomAlsoWhenAllAreRefused(t *testing.T) {
	c := newClock()
	l := newTestLimiter(t, c.now, 4, Limit{Per: "caller", Concurrent: 1})
	var releases []func()
	for i := range 4 + 1 { // the last one is counted with all the newcomers to come
		release, _, ok := l.Admit(fmt.Sprint(i), "x")
		if !ok {
			t.Fatalf("request %d is refused", i)
		}
		releases = append(releases, release)
	}
	if _, _, ok := l.Admit("newcomer", "x"); ok {
		t.Fatal("the newcomers' limit is not kept")
	}
	for _, release := range releases[:4] {
		release()
	}
	if _, _, ok := l.Admit("newcomer", "x"); ok {
		t.Fatal("there is room before anybody has looked for it; the test shows nothing")
	}
	if _, _, ok := l.Admit("newcomer", "x"); !ok {
		t.Error("a newcomer is refused, although there is room")
	}
	releases[4]()
	if l.callers.shared[0].underWay != 0 {
		t.Error("the newcomers' requests have ended, and are still counted")
	}
}

func TestThoseWithNothingToRememberAreForgotten(t *testing.T) {
	c := newClock()
	l := newTestLimiter(t, c.now, MaxEntries,
		Limit{Per: "caller", Requests: 2}, Limit{Per: "caller", Concurrent: 1}, Limit{Per: "connection", Requests: 1, Window: minute})
	long, _, _ := l.Admit("long download", "x")
	for i := range 1000 {
		release, _, ok := l.Admit(fmt.Sprint("caller ", i), fmt.Sprint("connection ", i))
		if !ok {
			t.Fatalf("request %d is refused", i)
		}
		release()
	}
	goRound := func(n int) {
		for i := range n {
			if release, _, ok := l.Admit("regular", fmt.Sprint("other ", i)); ok {
				release()
			}
		}
	}
	c.advance(time.Second)
	goRound(1001)
	if n := entriesOf(l.callers); n != 2 {
		t.Errorf("%d callers are remembered, want the one whose request is under way and the regular one", n)
	}
	if n := entriesOf(l.connections); n < 1000 {
		t.Errorf("%d connections are remembered before their minute is over", n)
	}
	if _, _, ok := l.Admit("long download", "y"); ok {
		t.Error("a request that is under way was forgotten")
	}
	long()
	c.advance(time.Minute)
	goRound(1001)
	if n := entriesOf(l.connections); n > 2 {
		t.Errorf("%d connections are remembered after their minute is over", n)
	}
	if l.callers.entries["long download"] != nil {
		t.Error("a request that has ended is remembered")
	}
}

func TestAFullTableTakesNoMoreMemoryThanItSays(t *testing.T) {
	c := newClock()
	l := newTestLimiter(t, c.now, MaxEntries, Limit{Per: "caller", Requests: 1, Window: minute})
	before := heap()
	header := strings.Repeat("x", 4<<10)
	for i := range MaxEntries + MaxEntries/4 {
		name := fmt.Sprint(i)
		if i%2 == 0 {
			name += header // longer than is kept
		} else {
			name = (name + header)[:len(name)] // a part of something large
		}
		l.Admit(name, "x")
	}
	if n := entriesOf(l.callers); n != MaxEntries {
		t.Errorf("%d entries, want %d", n, MaxEntries)
	}
	const most = 24 << 20
	if used := int64(heap()) - int64(before); used > most || used < MaxEntries*50 {
		t.Errorf("%d entries take %d KiB, want no more than %d", MaxEntries, used>>10, most>>10)
	} else {
		t.Logf("%d entries take %d KiB", MaxEntries, used>>10)
	}
	runtime.KeepAlive(l)
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestLongNamesAreToldApart(t *testing.T) {
	c := newClock()
	l := newTestLimiter(t, c.now, MaxEntries, Limit{Per: "caller", Concurrent: 1})
	long := strings.Repeat("x", longestKey)
	for _, name := range []string{long, long + "a", long + "b", bounded(long + "a"), long[1:]} {
		if _, _, ok := l.Admit(name, "x"); !ok {
			t.Errorf("%q is counted as another", name)
		}
		if _, _, ok := l.Admit(name, "x"); ok {
			t.Errorf("%q is not limited", name)
		}
	}
}
