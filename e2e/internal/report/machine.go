// Package report is what the reports of bench and soak have in common: what machine they are about, and how
// they get into a document.
package report

import (
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is where a report comes from.
type Machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Go        string `json:"go"`
	Kernel    string `json:"kernel"` // Linux's release, empty elsewhere
}

// ThisMachine describes the one that this program runs on.
func ThisMachine() Machine {
	m := Machine{Processor: processor(), Cores: runtime.NumCPU(), Go: runtime.Version()}
	var kernel unix.Utsname
	if unix.Uname(&kernel) == nil {
		m.Kernel = unix.ByteSliceToString(kernel.Release[:])
	}
	return m
}

// processor returns the name that Linux has for it.
func processor() string {
	raw, _ := os.ReadFile("/proc/cpuinfo") // it is not there on every machine
	for line := range strings.Lines(string(raw)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
