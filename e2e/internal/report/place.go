package report

import (
	"fmt"
	"os"
	"strings"
)

// Place is where a report goes in a document: between two lines, which stay. Each ends with a line feed.
type Place struct{ Begin, End string }

// Fill puts text in the place of what is there in a file. It returns an error, and leaves the file as it is, if the
// file lacks the place.
func (p Place) Fill(file, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(old), p.Begin)
	_, after, ended := strings.Cut(rest, p.End)
	if !found || !ended {
		return fmt.Errorf("%s lacks the lines %q and %q", file, p.Begin, p.End)
	}
	return os.WriteFile(file, []byte(before+p.Begin+text+p.End+after), 0o600)
}
