package goals

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
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
	"time"
)

var (
	mutate  = flag.String("law-mutate", "", "double and halve the numbers of the law that this regular expression matches, one at a time")
	mutated = flag.String("law-mutate-file", "", "with -law-mutate: keep the results in this file, and go on from it after a stop")
	first   = flag.Bool("law-first", false, "stop at the first row that fails")
)

// tuningFiles have every number of the law.
var tuningFiles = []string{"../../admission/tuning.go", "../../admission/returns/tuning.go", "../../admission/visits/tuning.go"}

// number is one of them.
type number struct{ file, name string }

// TestMutations doubles and halves each number of the law and names the first test or
// row that turns red: a number that turns nothing red is one that nothing needs. What
// is quick is tried first: the tests of pkg/admission, the few rows, the days that
// the law was made for, every row. After a stop it goes on where it was, as long as
// the law is the same.
func TestMutations(t *testing.T) {
	if *mutate == "" {
		t.Skip("-law-mutate was not given: it takes an hour or more")
	}
	only, err := regexp.Compile(*mutate)
	if err != nil {
		t.Fatal(err)
	}
	done := earlier(t)
	var all []number
	for _, file := range tuningFiles {
		for _, name := range numbers(t, file) {
			if only.MatchString(name) {
				all = append(all, number{file, name})
			}
		}
	}
	began := time.Now()
	for i, n := range all {
		for _, how := range [][3]string{{"twice", "2*(", ")"}, {"half", "(", ")/2"}} {
			key := n.name + " " + how[0]
			if done[key] != "" {
				continue
			}
			done[key] = try(t, n.file, changed(t, n, how[1], how[2]))
			fmt.Printf("%d of %d, %s: %s: %s\n", i+1, len(all), time.Since(began).Round(time.Second), key, done[key])
			keep(t, key+": "+done[key])
		}
	}
	fmt.Printf("| number | doubled | halved |\n|---|---|---|\n")
	for _, n := range all {
		twice, half := done[n.name+" twice"], done[n.name+" half"]
		fmt.Printf("| %s | %s | %s |\n", n.name, twice, half)
		if twice == nothing && half == nothing {
			t.Errorf("%s: nothing turns red when it is doubled or halved", n.name)
		}
	}
}

// earlier reads what was found before of the same law.
func earlier(t *testing.T) map[string]string {
	t.Helper()
	done := map[string]string{}
	if *mutated == "" {
		return done
	}
	files, err := filepath.Glob("../../admission/*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../../admission/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, file := range append(files, more...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(data)
	}
	law := fmt.Sprintf("law %x", h.Sum(nil)[:8])
	data, err := os.ReadFile(*mutated)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	if lines[0] != law {
		if err := os.WriteFile(*mutated, []byte(law+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return done
	}
	for _, line := range lines[1:] {
		if key, found, ok := strings.Cut(line, ": "); ok {
			done[key] = found
		}
	}
	return done
}

// keep appends a result.
func keep(t *testing.T, line string) {
	t.Helper()
	if *mutated == "" {
		return
	}
	f, err := os.OpenFile(*mutated, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(f, line); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// numbers are the names of the constants in the file.
func numbers(t *testing.T, file string) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
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
func changed(t *testing.T, n number, before, after string) []byte {
	t.Helper()
	src, err := os.ReadFile(n.file)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, n.file, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := string(src)
	ast.Inspect(f, func(node ast.Node) bool {
		if v, ok := node.(*ast.ValueSpec); ok {
			for i, one := range v.Names {
				if one.Name == n.name {
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

// try runs the tests with another text of a file, and names the first that fails.
func try(t *testing.T, original string, text []byte) string {
	t.Helper()
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "tuning.go"), filepath.Join(dir, "overlay.json")
	path, err := filepath.Abs(original)
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
	binary := func(pkg string) string {
		name := filepath.Join(dir, filepath.Base(pkg)+".test")
		if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", name, pkg).CombinedOutput(); err != nil {
			t.Logf("%s", out)
			return ""
		}
		return name
	}
	law, rows := binary("../../admission"), binary(".")
	if law == "" || rows == "" {
		return "it does not build" // a whole number that cannot be halved, or a bound that is crossed
	}
	for _, stage := range [][]string{
		{"../../admission", law, "-test.short"},
		{".", rows, "-test.run", "^TestRows$", "-law-first"},
		{".", rows, "-test.run", "^(TestGoals|TestWhatOnlyTheDelayCosts)$"},
		{".", rows, "-test.run", "^TestRows$", "-law", "-law-first"},
	} {
		run := exec.CommandContext(t.Context(), stage[1], append(stage[2:], "-test.failfast", "-test.parallel", "2")...)
		run.Dir = stage[0]
		if out, err := run.CombinedOutput(); err != nil {
			all := failed.FindAllStringSubmatch(string(out), -1)
			if len(all) == 0 {
				return "it stops"
			}
			return strings.ReplaceAll(all[len(all)-1][1], "_", " ")
		}
	}
	return nothing
}
