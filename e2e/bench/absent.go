package main

import (
	"fmt"
	"os"
	"os/exec"
)

// present takes the names away of competitors that are not installed. Where nobody reads that, it fails.
func (r *results) present(names []string, say func(string, ...any)) (here []string, err error) {
	for _, name := range names {
		entry, err := find(name)
		if err != nil {
			return nil, err
		}
		there, err := r.installed(entry.program, say)
		if err != nil {
			return nil, err
		}
		if there {
			here = append(here, name)
		}
	}
	return here, nil
}

// installed reports whether a program is there that somebody else has made; an empty name is of one that is built here.
func (r *results) installed(program string, say func(string, ...any)) (bool, error) {
	if _, err := exec.LookPath(program); program == "" || err == nil {
		return true, nil
	}
	if os.Getenv("CI") == "true" {
		return false, fmt.Errorf("%s is not installed, and CI=true forbids to leave it out", program)
	}
	say("ABSENT: %s is not installed, and is left out", program)
	r.Absent = append(r.Absent, program)
	return false, nil
}
