package main

import "golang.org/x/sys/unix"

// countTaskClock counts the nanoseconds that a process runs.
func countTaskClock(pids ...int) (*counter, error) {
	return count(unix.PERF_TYPE_SOFTWARE, unix.PERF_COUNT_SW_TASK_CLOCK, pids...)
}
