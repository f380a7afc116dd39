package command

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// progressInterval is how long a command may be silent.
const progressInterval = time.Second

// progress tells how far a command is while it takes longer than a second.
type progress struct {
	doing       atomic.Value // a string
	done, total atomic.Int64
	unit        int64 // 1, or the bytes of a MiB
}

func (p *progress) update(done, total int64) {
	p.done.Store(done)
	p.total.Store(total)
}

// show writes a line to w each second until the function that it returns is called.
func (p *progress) show(w io.Writer, doing string) (stop func()) {
	p.doing.Store(doing)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintln(w, p)
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// String implements [fmt.Stringer].
func (p *progress) String() string {
	doing, total := p.doing.Load(), p.total.Load()
	switch {
	case total == 0:
		return fmt.Sprintf("%s …", doing)
	case p.unit == mebibyte:
		return fmt.Sprintf("%s: %s of %s", doing, size(p.done.Load()), size(total))
	default:
		return fmt.Sprintf("%s: %d of %d", doing, p.done.Load(), total)
	}
}

const mebibyte = 1 << 20

// size is a number of bytes in few characters.
func size(n int64) string {
	if n < mebibyte {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mebibyte)
}
