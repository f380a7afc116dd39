package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/caddy-tokenstore/caddy-tokenstore/e2e/internal/report"
)

// results are what a run found out.
type results struct {
	Machine  report.Machine `json:"machine"`
	Commit   string         `json:"commit"`
	Began    time.Time      `json:"began"`
	Seconds  float64        `json:"seconds"`
	Outcomes []outcome      `json:"outcomes"`
}

// table is where -into puts the results.
var table = report.Place{
	Begin: "<!-- The soak: go run ./soak -into writes this. -->\n",
	End:   "<!-- End of the soak. -->\n",
}

// failed returns how many jobs failed.
func (r *results) failed() (n int) {
	for _, o := range r.Outcomes {
		if !o.Passed {
			n++
		}
	}
	return n
}

// publish writes the table to out and into a document, and everything to a file; each may be empty.
func (r *results) publish(out io.Writer, file, document string) error {
	text := r.markdown()
	_, err := io.WriteString(out, text)
	if document != "" {
		err = errors.Join(err, table.Fill(document, text))
	}
	if file != "" {
		raw, failed := json.MarshalIndent(r, "", "\t")
		err = errors.Join(err, failed, os.WriteFile(file, append(raw, '\n'), 0o600))
	}
	return err
}

// markdown returns the results as a table.
func (r *results) markdown() string {
	var w strings.Builder
	m := r.Machine
	fmt.Fprintf(&w, "\n%s, %d cores, Linux %s, %s; commit %s, %s, %s in all; %d of %d failed.\n",
		m.Processor, m.Cores, m.Kernel, m.Go, r.Commit, r.Began.Format(time.DateOnly), time.Duration(r.Seconds)*time.Second, r.failed(), len(r.Outcomes))
	fmt.Fprint(&w, "\n| test | s | what it printed |\n|---|--:|---|\n")
	for _, o := range r.Outcomes {
		told := strings.ReplaceAll(strings.Join(o.Printed, "<br>"), "|", `\|`)
		if !o.Passed {
			told = "**failed** " + told
		}
		fmt.Fprintf(&w, "| %s | %.0f | %s |\n", o.Test, o.Seconds, told)
	}
	return w.String()
}
