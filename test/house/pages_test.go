package house

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
)

// TestCompiledPagesAreFresh: what is compiled of the pages is what templ makes of
// them, by the version in go.mod.
func TestCompiledPagesAreFresh(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(root, "pkg/intake/*.templ"))
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages found", err)
	}
	for _, page := range pages {
		tree, err := parser.Parse(page)
		if err != nil {
			t.Fatal(err)
		}
		var code bytes.Buffer
		if _, err := generator.Generate(tree, &code, generator.WithFileName(filepath.Base(page)), generator.WithVersion(templ.Version())); err != nil {
			t.Fatal(err)
		}
		want, err := format.Source(code.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(strings.TrimSuffix(page, ".templ") + "_templ.go")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has changed since it was compiled: make pages", filepath.Base(page))
		}
	}
}
