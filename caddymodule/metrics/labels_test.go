package metrics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Without this test a new kind of problem would be counted as _other, and nobody would notice.
func TestEveryProblemHasALabel(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			code, ok := problemCode(n)
			if !ok {
				return true
			}
			found++
			if !slices.Contains(outcomes, code) {
				t.Errorf("%s: the problem %q is missing among the outcomes of the metrics", name, code)
			}
			return true
		})
	}
	if found < 10 {
		t.Errorf("only %d problems were found; the test looks at the wrong place", found)
	}
}

// problemCode returns the code that a composite literal such as problem.Problem{Code: "…"} has.
func problemCode(n ast.Node) (string, bool) {
	pair, ok := n.(*ast.KeyValueExpr)
	if !ok {
		return "", false
	}
	key, isName := pair.Key.(*ast.Ident)
	value, isLiteral := pair.Value.(*ast.BasicLit)
	if !isName || !isLiteral || key.Name != "Code" {
		return "", false
	}
	code, err := strconv.Unquote(value.Value)
	return code, err == nil
}
