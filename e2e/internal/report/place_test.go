package report

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAReportGoesIntoItsPlace(t *testing.T) {
	p := Place{Begin: "<!-- begin -->\n", End: "<!-- end -->\n"}
	file := filepath.Join(t.TempDir(), "document.md")
	for _, test := range []struct{ name, before, want string }{
		{"what was there is replaced", "above\n" + p.Begin + "old\n" + p.End + "below\n", "above\n" + p.Begin + "new\n" + p.End + "below\n"},
		{"a file without the place stays as it is", "above\n", "above\n"},
		{"so does one with the end before the begin", p.End + p.Begin, p.End + p.Begin},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(test.before), 0o600); err != nil {
				t.Fatal(err)
			}
			err := p.Fill(file, "new\n")
			if after, _ := os.ReadFile(file); string(after) != test.want {
				t.Errorf("%q", after)
			}
			if (err == nil) != (test.before != test.want) {
				t.Error(err)
			}
		})
	}
}
