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
		if c := constraint.FindSubmatch(text); c != nil && !strings.Contains(string(c[1]), "unix") && string(c[1]) != "!linux" {
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

// TestTheHostedWorkflowRunsEverySuite: what .ci/run runs on one machine, the
// hosted workflow runs on both architectures, and neither knows of a make target
// that is not there.
func TestTheHostedWorkflowRunsEverySuite(t *testing.T) {
	t.Parallel()
	makefile, run, workflow := read(t, "Makefile"), read(t, ".ci/run"), read(t, ".github/workflows/ci.yml")
	suites := regexp.MustCompile(`(?m)^suite \S+ make ([a-z-]+)`).FindAllStringSubmatch(run, -1)
	if len(suites) < 10 {
		t.Fatalf(".ci/run has %d suites", len(suites))
	}
	for _, suite := range suites {
		target := regexp.QuoteMeta(suite[1])
		if !regexp.MustCompile(`(?m)^` + target + `:`).MatchString(makefile) {
			t.Errorf(".ci/run calls make %s, which is not there", suite[1])
		}
		if !regexp.MustCompile(`(?m)^ +target: \[.*\b` + target + `[ ,\]]|run: make ` + target + `$`).MatchString(workflow) {
			t.Errorf(".github/workflows/ci.yml does not run make %s, which .ci/run does", suite[1])
		}
	}
	for _, file := range []string{".ci/run", "Makefile"} {
		if regexp.MustCompile(`(?m)(^|[ ="'])\.\./`).MatchString(read(t, file)) {
			t.Errorf("%s reaches outside the checkout", file)
		}
	}
}
