package forward

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// bodyOf is a body without GetBody, as a server's request has it.
func bodyOf(r io.Reader) io.ReadCloser { return io.NopCloser(r) }

func TestReplay(t *testing.T) {
	const body = "0123456789"
	for _, tc := range []struct {
		name   string
		r      http.Request
		limit  int
		read   int // bytes that are read the first time
		again  string
		replay bool
	}{
		{"there is no body", http.Request{}, 64, 0, "", true},
		{"there is no body, and nothing is kept", http.Request{Body: http.NoBody}, 0, 0, "", true},
		{"all of a short body was read", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: 10}, 64, 11, body, true},
		{"its length was read, and not its end", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: 10}, 64, 10, body, true},
		{"the body is as long as the limit", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: -1}, 10, 11, body, true},
		{"the body is longer than the limit", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: -1}, 9, 11, "", false},
		{"the body says that it is longer", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: 10}, 9, 11, "", false},
		{"nothing is to be kept", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: 10}, 0, 11, "", false},
		{"a part of the body was read", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: 10}, 64, 9, "", false},
		{"the end of a chunked body was not seen", http.Request{Body: bodyOf(strings.NewReader(body)), ContentLength: -1}, 64, 10, "", false},
		{"the body failed", http.Request{Body: bodyOf(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(body)))), ContentLength: -1}, 64, 11, "", false},
		{"the body can be had again", http.Request{
			Body: bodyOf(strings.NewReader(body)), ContentLength: 10,
			GetBody: func() (io.ReadCloser, error) { return bodyOf(strings.NewReader(body)), nil },
		}, 0, 3, body, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			again := prepareReplay(&tc.r, tc.limit)
			if tc.r.Body != nil {
				_, _ = io.CopyN(io.Discard, tc.r.Body, int64(tc.read))
			}
			getBody, ok := again.body()
			if ok != tc.replay {
				t.Fatalf("replayable: %t", ok)
			}
			if !ok || getBody == nil {
				return
			}
			for range 2 {
				second, err := getBody()
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(second); err != nil || string(got) != tc.again {
					t.Errorf("second body is %q, %v", got, err)
				}
			}
		})
	}
}

func TestReplayBufferIsTheBodyOrNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		limit := rapid.IntRange(1, 64).Draw(t, "limit")
		length := rapid.SampledFrom([]int64{-1, int64(len(body))}).Draw(t, "length")
		r := http.Request{Body: bodyOf(strings.NewReader(string(body))), ContentLength: length}
		again := prepareReplay(&r, limit)
		read := 0
		for _, n := range rapid.SliceOf(rapid.IntRange(1, 16)).Draw(t, "reads") {
			k, _ := r.Body.Read(make([]byte, n))
			read += k
		}
		getBody, ok := again.body()
		if !ok {
			return
		}
		if read != len(body) || len(body) > limit {
			t.Fatalf("replayable after %d of %d bytes with a limit of %d", read, len(body), limit)
		}
		second, _ := getBody()
		if got, _ := io.ReadAll(second); string(got) != string(body) {
			t.Fatalf("body is %x, not %x", got, body)
		}
	})
}
