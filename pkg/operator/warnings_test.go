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
	// The list is whole: every constant of the type is in it.
	tree, err := parser.ParseFile(token.NewFileSet(), "warnings.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(tree, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "warning" {
				n++
			}
		}
		return true
	})
	if n != len(listed) {
		t.Errorf("%d sentences, and %d in the list", n, len(listed))
	}
}
