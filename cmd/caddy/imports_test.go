package main

import (
	"slices"
	"strings"
	"testing"
)

// floors are the packages of this module, from the top down: each may import those below
// it, and those named beside it.
var floors = []struct {
	packages []string
	beside   []string
}{
	{packages: []string{"cmd", "examples"}},
	{packages: []string{"caddymodule"}, beside: []string{"caddymodule"}},
	{packages: []string{"tokenstore"}},
	{
		packages: []string{
			"tokenstore/storage", "tokenstore/seal", "tokenstore/callerkey", "tokenstore/oauth", "tokenstore/catalog", "tokenstore/standin", "tokenstore/secret",
			"tokenstore/dial", "tokenstore/headers", "tokenstore/methods",
		},
		beside: []string{"tokenstore/storage", "tokenstore/secret", "tokenstore/dial", "tokenstore/headers", "tokenstore/methods"},
	},
	{packages: []string{"internal"}},
}

func TestImportsPointDownwards(t *testing.T) {
	module := goList(t, "-m") + "/"
	packages := goList(t, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	seen := 0
	for line := range strings.Lines(packages) {
		importer, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		from := strings.TrimPrefix(importer, module)
		for imported := range strings.FieldsSeq(imports) {
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			seen++
			if !mayImport(from, to) {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d imports were looked at", seen)
	}
}

func mayImport(from, to string) bool {
	f, t := floorOf(from), floorOf(to)
	if f < 0 || t < 0 {
		return false // a package that has no place in the house
	}
	if f != t {
		return f < t
	}
	within := roomOf(from, f) == roomOf(to, t)
	return within || slices.Contains(floors[f].beside, roomOf(to, t))
}

func floorOf(pkg string) int {
	best, length := -1, 0
	for i, floor := range floors {
		for _, room := range floor.packages {
			if isBelow(pkg, room) && len(room) > length {
				best, length = i, len(room)
			}
		}
	}
	return best
}

func roomOf(pkg string, floor int) string {
	for _, room := range floors[floor].packages {
		if isBelow(pkg, room) {
			return room
		}
	}
	return ""
}

func isBelow(pkg, room string) bool { return pkg == room || strings.HasPrefix(pkg, room+"/") }

func TestTheRulesOfImportsBite(t *testing.T) {
	tests := map[string]struct {
		from, to string
		want     bool
	}{
		"the plugin uses the engine":             {"caddymodule", "tokenstore", true},
		"the plugin uses a backend":              {"caddymodule", "tokenstore/storage/bolt", true},
		"the program uses the plugin":            {"cmd/caddy", "caddymodule", true},
		"the engine uses sealing":                {"tokenstore", "tokenstore/seal", true},
		"sealing uses the contract of storage":   {"tokenstore/seal", "tokenstore/storage", true},
		"a backend uses the contract of storage": {"tokenstore/storage/bolt", "tokenstore/storage", true},
		"the engine does not use the plugin":     {"tokenstore", "caddymodule", false},
		"sealing does not use the engine":        {"tokenstore/seal", "tokenstore", false},
		"keys do not use the engine":             {"tokenstore/callerkey", "tokenstore", false},
		"sealing does not use OAuth":             {"tokenstore/seal", "tokenstore/oauth", false},
		"an example uses what tests use":         {"examples/quickstart", "internal/freeport", true},
		"what tests use does not use the engine": {"internal/freeport", "tokenstore", false},
		"nothing uses a package of no place":     {"caddymodule", "util", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := mayImport(tt.from, tt.to); got != tt.want {
				t.Errorf("%s may import %s: %t", tt.from, tt.to, got)
			}
		})
	}
}

// The engine is for Go programs without Caddy too.
func TestTheEngineKnowsNothingOfCaddy(t *testing.T) {
	deps := strings.Fields(goList(t, "-deps", "./tokenstore/..."))
	if !slices.Contains(deps, "go.etcd.io/bbolt") {
		t.Error("bbolt is not among the dependencies; the list is not right")
	}
	for _, dep := range deps {
		for _, stranger := range []string{"github.com/caddyserver/", "go.uber.org/zap", "github.com/prometheus/"} {
			if strings.HasPrefix(dep+"/", stranger) {
				t.Errorf("it depends on %s", dep)
			}
		}
	}
}

// Only the package that forwards requests may know Caddy's reverse proxy.
func TestOnlyForwardingImportsTheReverseProxy(t *testing.T) {
	const reverseProxy, forwarding = "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy", "caddymodule/forward"
	module := goList(t, "-m") + "/"
	packages := goList(t, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./caddymodule/...", "./tokenstore/...", "./cmd/...")
	found := 0
	for line := range strings.Lines(packages) {
		importer, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		for imported := range strings.FieldsSeq(imports) {
			if !isBelow(imported, reverseProxy) {
				continue
			}
			found++
			if from := strings.TrimPrefix(importer, module); from != forwarding {
				t.Errorf("%s imports %s", from, imported)
			}
		}
	}
	if found == 0 {
		t.Error("nothing imports it; the test looks at the wrong place")
	}
}

// The plugin's parts know each other by tokenapp; what puts them together is above them.
func TestNoPartOfThePluginImportsTheWhole(t *testing.T) {
	whole := goList(t, "./caddymodule")
	packages := goList(t, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./caddymodule/...")
	found := 0
	for line := range strings.Lines(packages) {
		importer, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		if slices.Contains(strings.Fields(imports), whole) {
			t.Errorf("%s imports %s", importer, whole)
		}
		if importer == whole {
			found += strings.Count(imports, whole+"/")
		}
	}
	if found == 0 {
		t.Error("the plugin imports none of its parts")
	}
}
