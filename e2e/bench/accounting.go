package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pids returns the process and its children, such as nginx's workers.
func (p *process) pids() ([]int, error) {
	all := []int{p.cmd.Process.Pid}
	for i := 0; i < len(all); i++ { // all grows
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", all[i]))
		if err != nil {
			return nil, err
		}
		for field := range strings.FieldsSeq(string(raw)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return nil, err
			}
			all = append(all, pid)
		}
	}
	return all, nil
}

// sum adds up what of returns for the process and its children.
func (p *process) sum(of func(pid int) (int64, error)) (total int64, err error) {
	pids, err := p.pids()
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		n, err := of(pid)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// cpu returns the CPU time that has been used, in user and kernel. The clock counts nanoseconds,
// and /proc/PID/stat hundredths of a second.
func (p *process) cpu() (time.Duration, error) {
	spent, err := p.sum(func(pid int) (int64, error) {
		var t unix.Timespec
		err := unix.ClockGettime(cpuClock(pid), &t)
		return t.Nano(), err
	})
	if err != nil {
		return 0, fmt.Errorf("read the CPU clock: %w", err)
	}
	return time.Duration(spent), nil
}

// cpuClock returns the clock that clock_getcpuclockid(3) tells for a process.
func cpuClock(pid int) int32 {
	const scheduled = 2               // CPUCLOCK_SCHED of Linux: the time that the scheduler gave it
	return int32(^pid<<3 | scheduled) //nolint:gosec // a process id has 22 bits at most
}

// memory returns the resident bytes. Pages that nginx's workers share count once for each.
func (p *process) memory() (int64, error) {
	return p.sum(func(pid int) (int64, error) { return kilobytes(pid, "VmRSS:") })
}

// peak returns the most resident bytes since forgetPeak.
func (p *process) peak() (int64, error) {
	return p.sum(func(pid int) (int64, error) { return kilobytes(pid, "VmHWM:") })
}

func (p *process) forgetPeak() error {
	_, err := p.sum(func(pid int) (int64, error) {
		return 0, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	})
	return err
}

// kilobytes reads a line of /proc/PID/status, and returns bytes.
func kilobytes(pid int, name string) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(raw) {
		fields := strings.Fields(string(line))
		if len(fields) == 3 && fields[0] == name {
			n, err := strconv.ParseInt(fields[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("/proc/PID/status has no " + name)
}
