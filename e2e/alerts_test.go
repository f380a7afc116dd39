package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The alerts that docs/metrics.md gives to copy are taken by Prometheus's own tool, fire when they should, and are silent when
// all is well.
func TestAlerts(t *testing.T) {
	needs(t, "promtool")
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)## Alerts\n+```yaml\n(.*?)```").FindSubmatch(docs)
	if found == nil {
		t.Fatal("docs/metrics.md has no alerts")
	}
	cases, err := os.ReadFile("testdata/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"alerts.yml": found[1], "cases.yml": cases} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("promtool", "test", "rules", "cases.yml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllSubmatch(found[1], -1)
	for _, a := range alerts {
		quiet, fires := "alertname: "+string(a[1])+", exp_alerts: []", "alertname: "+string(a[1])+", exp_alerts: [{"
		if !strings.Contains(string(cases), quiet) || !strings.Contains(string(cases), fires) {
			t.Errorf("%s: the cases do not have it both silent and firing", a[1])
		}
	}
	if len(alerts) == 0 {
		t.Error("there are no alerts")
	}
	t.Logf("%d alerts", len(alerts))
}
