package metrics

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestTheDocumentationHasEachSeries(t *testing.T) {
	descs := make(chan *prometheus.Desc, 100)
	New(DefaultConnectionSeries).Describe(descs)
	close(descs)
	var made []string
	name := regexp.MustCompile(`fqName: "caddy_token_store_(\w+)"`)
	for d := range descs {
		made = append(made, name.FindStringSubmatch(d.String())[1])
	}

	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (?:counter|gauge|histogram) \\|")
	for _, found := range row.FindAllStringSubmatch(string(text), -1) {
		told = append(told, found[1])
	}
	slices.Sort(made)
	slices.Sort(told)
	if diff := cmp.Diff(made, told); diff != "" {
		t.Errorf("series (-made +documented):\n%s", diff)
	}
	// What the examples of alerts ask for must be there too.
	for _, found := range regexp.MustCompile(`caddy_token_store_(\w+?)(_bucket)?[{\[ ]`).FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(made, found[1]) {
			t.Errorf("an example asks for %s", found[1])
		}
	}
}
