package goals

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var mutate = flag.String("law-mutate", "", "double and halve the numbers of the law that this regular expression matches, one at a time")

// tuningFile has every number of the law.
const tuningFile = "../../admission/tuning.go"

// TestMutations doubles and halves each number of the law and names what turns red:
// a number that turns nothing red is one that nothing needs. It runs the tests of
// pkg/admission and the short goals once for each; `make law-mutate` takes hours.
func TestMutations(t *testing.T) {
	if *mutate == "" {
		t.Skip("-law-mutate was not given: it takes hours")
	}
	only, err := regexp.Compile(*mutate)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(tuningFile)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("| number | doubled | halved |\n|---|---|---|\n")
	for _, name := range numbers(t, src) {
		if !only.MatchString(name) {
			continue
		}
		twice, half := try(t, changed(t, src, name, "2*(", ")")), try(t, changed(t, src, name, "(", ")/2"))
		fmt.Printf("| %s | %s | %s |\n", name, twice, half)
		if twice == nothing && half == nothing {
			t.Errorf("%s: nothing turns red when it is doubled or halved", name)
		}
	}
}

// numbers are the names of the constants in the file.
func numbers(t *testing.T, src []byte) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), tuningFile, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, name := range v.Names {
				names = append(names, name.Name)
			}
		}
		return true
	})
	return names
}

// changed is the file with the value of one constant between two texts.
func changed(t *testing.T, src []byte, name, before, after string) []byte {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, tuningFile, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := string(src)
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for i, one := range v.Names {
				if one.Name == name {
					from, to := files.Position(v.Values[i].Pos()).Offset, files.Position(v.Values[i].End()).Offset
					out = string(src[:from]) + before + string(src[from:to]) + after + string(src[to:])
				}
			}
		}
		return true
	})
	text, err := format.Source([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// nothing is what try says when all tests pass.
const nothing = "nothing"

// failed finds the innermost test that failed.
var failed = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// try runs the tests with another text of the file, and names the first that fails.
func try(t *testing.T, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "tuning.go"), filepath.Join(dir, "overlay.json")
	path, err := filepath.Abs(tuningFile)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": {path: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{file: text, overlay: data} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-short", "-failfast", "-overlay", overlay, "../../admission", ".").CombinedOutput()
	if err == nil {
		return nothing
	}
	all := failed.FindAllStringSubmatch(string(out), -1)
	if len(all) == 0 {
		return "it does not build" // a whole number that cannot be halved, or a bound that is crossed
	}
	return strings.ReplaceAll(all[len(all)-1][1], "_", " ")
}
