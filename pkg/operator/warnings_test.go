package operator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheRunbookKnowsEverySentenceOfStatus: somebody at three in the morning finds
// what status says in the runbook, with what to do.
func TestTheRunbookKnowsEverySentenceOfStatus(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile(filepath.Join("..", "..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, w := range warnings {
		said := strings.ReplaceAll(regexp.MustCompile(`%(%|[a-z])`).ReplaceAllStringFunc(string(w), func(verb string) string {
			if verb == "%%" {
				return "%"
			}
			return "…"
		}), "|", "")
		listed[string(w)] = true
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(said) + ` \| [^|]{10,} \|$`)
		if !row.Match(runbook) {
			t.Errorf("docs/operating.md has no row that begins with %q", said)
		}
	}
	// The list is whole: every constant of the type is in it, and nothing else is said.
	n := 0
	for _, name := range []string{"warnings.go", "snapshot.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.ValueSpec:
				if kind, ok := node.Type.(*ast.Ident); ok && kind.Name == "warning" {
					n++
				}
			case *ast.CallExpr:
				if f, ok := node.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "warn" {
					if _, literal := node.Args[0].(*ast.BasicLit); literal {
						t.Errorf("%s says a sentence that is not one of warnings.go", name)
					}
				}
			}
			return true
		})
	}
	if n != len(listed) {
		t.Errorf("%d sentences, and %d in the list", n, len(listed))
	}
}
