package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// allocated returns how many objects a program in Go has allocated, and their bytes; 0 of another program.
func (c *competitor) allocated(ctx context.Context) (objects, size int64, err error) {
	if c.admin == nil {
		return 0, 0, nil
	}
	answer, err := fetch(ctx, c.admin, http.MethodGet, "/debug/vars", nil)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Close()
	var vars struct {
		Memory struct{ Mallocs, TotalAlloc int64 } `json:"memstats"`
	}
	if err := json.NewDecoder(answer).Decode(&vars); err != nil {
		return 0, 0, err
	}
	_, err = io.Copy(io.Discard, answer) // to keep the connection
	return vars.Memory.Mallocs, vars.Memory.TotalAlloc, err
}

// profile writes a CPU profile of a program in Go that lasts so long.
func (c *competitor) profile(ctx context.Context, file string, length time.Duration) (err error) {
	answer, err := fetch(ctx, c.admin, http.MethodGet, fmt.Sprintf("/debug/pprof/profile?seconds=%d", int(length.Seconds())), nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, answer)
	return err
}
