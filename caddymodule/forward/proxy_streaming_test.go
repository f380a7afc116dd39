package forward_test

import (
	"bufio"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
)

func TestEventsArriveAsTheyAreSent(t *testing.T) { byEither(t, testEventsArriveAsTheyAreSent) }

func testEventsArriveAsTheyAreSent(t *testing.T, by string) {
	read := make(chan struct{})
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-read
		_, _ = io.WriteString(w, "data: 2\n\n")
	})
	p := proxyTo(t, a.host(), "", by)
	res, err := p.client.RoundTrip(p.request("GET", "/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	br := bufio.NewReader(res.Body)
	if line, err := br.ReadString('\n'); line != "data: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	close(read) // only now is there a second event
	if rest, err := io.ReadAll(br); string(rest) != "\ndata: 2\n\n" {
		t.Fatalf("%q, %v", rest, err)
	}
}

func TestLongBodiesStream(t *testing.T) { byEither(t, testLongBodiesStream) }

func testLongBodiesStream(t *testing.T, by string) {
	const length = 128 << 20
	var peak atomic.Uint64
	sample := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak.Store(max(peak.Load(), m.HeapInuse))
	}
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 1<<20)
		var n int64
		for {
			k, err := r.Body.Read(buf)
			n += int64(k)
			if n%(16<<20) < int64(k) {
				sample()
			}
			if err != nil {
				break
			}
		}
		if n != length {
			t.Errorf("%d bytes arrived", n)
		}
		for range length >> 20 {
			_, _ = w.Write(buf)
		}
		sample()
	})
	p := proxyTo(t, a.host(), "", by)
	runtime.GC()
	sample()
	before := peak.Load()
	r := p.request("POST", "/x", io.LimitReader(zeros{}, length))
	res, err := p.client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	if n, err := io.Copy(io.Discard, res.Body); n != length || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	sample()
	if grown := peak.Load() - before; grown > 32<<20 {
		t.Errorf("memory grew by %d MiB for bodies of %d MiB", grown>>20, length>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
