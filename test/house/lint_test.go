package house

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryBuildTagIsLinted: a file behind a build tag is seen by no plain `go
// vet ./...`, so `make lint` names each tag; what is for one kind of machine is
// no suite of ours.
func TestEveryBuildTagIsLinted(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?m)^TAGS := (.+)$`).FindSubmatch(makefile)
	if named == nil {
		t.Fatal("the Makefile names no TAGS")
	}
	tags := strings.Split(string(named[1]), ",")
	constraint := regexp.MustCompile(`(?m)^//go:build (.+)$`)
	seen := map[string]bool{}
	eachGoFile(t, func(file string, _ *ast.File, _ bool) {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if c := constraint.FindSubmatch(text); c != nil && !strings.Contains(string(c[1]), "unix") {
			seen[string(c[1])] = true
			if !slices.Contains(tags, string(c[1])) {
				t.Errorf("%s is behind the tag %s, which make lint does not look at", file, c[1])
			}
		}
	})
	for _, tag := range tags {
		if !seen[tag] {
			t.Errorf("make lint names the tag %s, which no file has", tag)
		}
	}
}
