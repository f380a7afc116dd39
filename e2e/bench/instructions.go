package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counter counts an event of the threads of a process, those that start later included: what
// perf stat -p does. A nil counter counts nothing.
type counter struct{ files []int }

// countInstructions returns nil if the machine does not count instructions, as many virtual ones do not.
func countInstructions(pids ...int) (*counter, error) {
	c, err := count(unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_INSTRUCTIONS, pids...)
	if uncounted(err) {
		return nil, nil //nolint:nilnil // a nil counter is one
	}
	return c, err
}

// uncounted reports whether err says that there is no such event, or that one may not count it.
func uncounted(err error) bool {
	for _, is := range []error{unix.ENOENT, unix.EOPNOTSUPP, unix.ENODEV, unix.EACCES, unix.EPERM, unix.ENOSYS} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// count begins to count an event in user and kernel.
func count(kind uint32, event uint64, pids ...int) (*counter, error) {
	c := new(counter)
	for _, pid := range pids {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			c.close()
			return nil, err
		}
		for _, thread := range threads {
			if err := c.add(thread.Name(), kind, event); err != nil {
				c.close()
				return nil, err
			}
		}
	}
	return c, nil
}

// add counts one more thread, and its children.
func (c *counter) add(thread string, kind uint32, event uint64) error {
	tid, err := strconv.Atoi(thread)
	if err != nil {
		return err
	}
	attr := unix.PerfEventAttr{Type: kind, Config: event, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Bits: unix.PerfBitInherit}
	file, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if errors.Is(err, unix.ESRCH) {
		return nil // it has ended
	}
	if err != nil {
		return fmt.Errorf("perf_event_open: %w", err)
	}
	c.files = append(c.files, file)
	return nil
}

// read returns the events so far.
func (c *counter) read() (total int64, err error) {
	if c == nil {
		return 0, nil
	}
	var buf [8]byte
	for _, file := range c.files {
		if _, err := unix.Read(file, buf[:]); err != nil {
			return 0, fmt.Errorf("read a counter: %w", err)
		}
		total += int64(binary.NativeEndian.Uint64(buf[:])) //nolint:gosec // it does not count so far
	}
	return total, nil
}

func (c *counter) close() {
	if c == nil {
		return
	}
	for _, file := range c.files {
		_ = unix.Close(file)
	}
}
