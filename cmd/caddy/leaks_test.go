package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// lookers are the packages with which a TestMain can look for leaked goroutines.
var lookers = []string{
	"go.uber.org/goleak",
	"github.com/caddy-tokenstore/caddy-tokenstore/internal/leaktest",
	"github.com/caddy-tokenstore/caddy-tokenstore/caddymodule/internal/testcaddy",
}

// Every package with tests looks for leaked goroutines, in this module and in that of the tests from outside.
func TestEveryPackageLooksForLeakedGoroutines(t *testing.T) {
	root := os.DirFS("../..")
	looks := make(map[string]bool) // by directory
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		found, err := looksForLeaks(file, text)
		looks[path.Dir(file)] = looks[path.Dir(file)] || found
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, found := range looks {
		if !found {
			t.Errorf("%s has no TestMain that looks for leaked goroutines: let it call leaktest.VerifyTestMain", dir)
		}
	}
	if len(looks) < 40 || !looks["e2e/durability"] {
		t.Errorf("%d packages were looked at, which are not all", len(looks))
	}
	t.Logf("%d packages", len(looks))
}

// looksForLeaks tells whether the file has a TestMain and imports what that needs.
func looksForLeaks(name string, text []byte) (bool, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return false, err
	}
	imports := func(i *ast.ImportSpec) bool {
		of, _ := strconv.Unquote(i.Path.Value)
		return slices.Contains(lookers, of)
	}
	isTestMain := func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == "TestMain"
	}
	// The package testcaddy looks with its own.
	own := file.Name.Name == "testcaddy" || file.Name.Name == "leaktest"
	return slices.ContainsFunc(file.Decls, isTestMain) && (own || slices.ContainsFunc(file.Imports, imports)), nil
}

func TestLooksForLeaks(t *testing.T) {
	for text, want := range map[string]bool{
		"import \"go.uber.org/goleak\"\nfunc TestMain(m *testing.M) { goleak.VerifyTestMain(m) }": true,
		"import \"os\"\nfunc TestMain(m *testing.M) { os.Exit(m.Run()) }":                         false,
		"import \"go.uber.org/goleak\"\nfunc TestLeaks(t *testing.T) { goleak.VerifyNone(t) }":    false,
	} {
		if got, err := looksForLeaks("a_test.go", []byte("package a\n"+text)); got != want || err != nil {
			t.Errorf("%s: %t, %v", text, got, err)
		}
	}
}
