package house

import (
	"go/ast"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxPackage is how many lines a package may have without its tests: what one
// person can hold in their head. Packages that may have more are listed with
// their own bound and the reason.
const maxPackage = 2500

var largePackages = map[string]struct {
	lines  int
	reason string
}{
	"cmd/raincheck": {3500, "one file for each command of the tool"},
}

// TestPackagesCanBeHeldInOneHead bounds a package without its tests.
func TestPackagesCanBeHeldInOneHead(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	eachGoFile(t, func(file string, _ *ast.File, test bool) {
		if !test && !strings.HasSuffix(file, "_templ.go") { // generated
			lines[path.Dir(file)] += strings.Count(read(t, file), "\n")
		}
	})
	for _, dir := range slices.Sorted(maps.Keys(lines)) {
		bound := maxPackage
		if large, ok := largePackages[dir]; ok {
			bound = large.lines
		}
		if lines[dir] > bound {
			t.Errorf("%s has %d lines without tests, and at most %d are allowed: split it by what its parts are", dir, lines[dir], bound)
		}
	}
	for dir, large := range largePackages {
		if lines[dir] <= maxPackage {
			t.Errorf("%s has %d lines: take it off the list of large packages (%s)", dir, lines[dir], large.reason)
		}
	}
}

// maxFields is how many fields a struct may have without a reason. The reason
// stands in its comment: "It has more than 15 fields: one for each command."
const maxFields = 15

// manyFields are those without a reason, each with what is to become of it.
// Nothing is added here.
var manyFields = map[string]string{
	"pkg/admission.memory": "the law's state comes down with the law",
	"pkg/simulation.world": "split into the site, its people and what the law sees",
}

// TestStructsAreSmallOrSayWhy bounds the fields of a struct.
func TestStructsAreSmallOrSayWhy(t *testing.T) {
	t.Parallel()
	reason := regexp.MustCompile(`more than 15 fields: \S`)
	seen := map[string]bool{}
	eachGoFile(t, func(file string, tree *ast.File, test bool) {
		if test {
			return
		}
		for _, d := range tree.Decls {
			general, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				typ, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				name, n := path.Dir(file)+"."+typ.Name.Name, fields(typ)
				said := reason.MatchString(general.Doc.Text()) || reason.MatchString(typ.Doc.Text())
				if _, listed := manyFields[name]; listed {
					seen[name] = n > maxFields && !said
				} else if n > maxFields && !said {
					t.Errorf("%s: %s has %d fields, and at most %d are allowed: split it, or say in its comment \"It has more than 15 fields: …\"", file, name, n, maxFields)
				}
			}
		}
	})
	for name := range manyFields {
		if !seen[name] {
			t.Errorf("%s is small or says why: take it off the list", name)
		}
	}
}

func fields(typ *ast.TypeSpec) int {
	structure, ok := typ.Type.(*ast.StructType)
	if !ok {
		return 0
	}
	n := 0
	for _, f := range structure.Fields.List {
		n += max(1, len(f.Names))
	}
	return n
}
