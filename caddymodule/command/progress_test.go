package command

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressIsToldFromTheFirstSecondOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &progress{unit: mebibyte}
		stop := p.show(&out, "Copying")
		time.Sleep(progressInterval - time.Millisecond)
		stop()
		if out.Len() > 0 {
			t.Errorf("what takes less than a second says %q", out.String())
		}

		stop = p.show(&out, "Copying")
		time.Sleep(progressInterval + time.Millisecond)
		p.update(3<<20/2, 10<<20)
		time.Sleep(progressInterval)
		stop()
		if got, want := out.String(), "Copying …\nCopying: 1.5 MiB of 10.0 MiB\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}

		out.Reset()
		p = &progress{unit: 1}
		p.update(3, 7)
		stop = p.show(&out, "Sealing")
		time.Sleep(progressInterval + time.Millisecond)
		stop()
		if got, want := out.String(), "Sealing: 3 of 7\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
