// Package house holds the conventions of the project as tests: which package
// may import which, what every public name owes its reader, what may stand at
// the top level. A rule with no check is a wish.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "raincheck"
	root   = "../.."
)

// layer says what the packages below a path may import of this module, beside
// the standard library. The first layer whose prefix matches holds.
type layer struct {
	prefix string
	// may lists import prefixes within the module.
	may []string
	// pure layers have no I/O, clock, SDK or HTTP.
	pure bool
}

var (
	rules    = []string{"pkg/admission", "pkg/bypass", "pkg/gate", "pkg/email", "pkg/site"}
	domain   = append([]string{"pkg/waitlist", "pkg/metric"}, rules...)
	useCases = []string{"pkg/intake", "pkg/inviter", "pkg/sender", "pkg/feedback", "pkg/smoke"}
	adapters = []string{"pkg/aws", "pkg/smtp"}
	twins    = []string{"pkg/twin", "functions/throttle"}
)

// layers is the import rule of docs/architecture.md as data: functions and cmd over use cases and adapters
// over the waitlist over the rules. Adapters and use cases meet only in a main,
// in pkg/demo, in pkg/simulation, and for tests in pkg/twin/twintest.
var layers = []layer{
	{prefix: "pkg/waitlist/waitlisttest", may: domain},
	{prefix: "pkg/waitlist", may: rules, pure: true},
	{prefix: "pkg/gate", may: []string{"pkg/bypass"}, pure: true},
	{prefix: "pkg/document", pure: true},
	{prefix: "pkg/admission", may: []string{"pkg/document"}, pure: true},
	{prefix: "pkg/bypass", pure: true},
	{prefix: "pkg/email/mailertest", may: []string{"pkg/email", "pkg/site"}},
	{prefix: "pkg/email", may: []string{"pkg/site"}, pure: true},
	{prefix: "pkg/site", may: []string{"pkg/document"}, pure: true},
	{prefix: "pkg/metric", pure: true},
	{prefix: "pkg/attach", may: []string{"pkg/gate", "pkg/bypass"}, pure: true},
	{prefix: "pkg/disk"},
	{prefix: "pkg/handover", may: append([]string{"pkg/disk"}, domain...)},
	{prefix: "pkg/records", may: append([]string{"pkg/disk", "pkg/document"}, domain...)},
	{prefix: "pkg/undelivered", may: append([]string{"pkg/feedback", "pkg/records", "pkg/format"}, domain...)},
	{prefix: "pkg/chart"},
	{prefix: "pkg/terminal"},
	{prefix: "pkg/format", pure: true},
	{prefix: "pkg/version", pure: true},
	{prefix: "pkg/capacity/capacitytest", may: []string{"pkg/admission"}},
	{prefix: "pkg/capacity", may: []string{"pkg/admission", "pkg/format"}, pure: true},
	{prefix: "pkg/intake", may: domain},
	{prefix: "pkg/inviter", may: domain},
	{prefix: "pkg/sender", may: domain},
	{prefix: "pkg/feedback", may: domain},
	{prefix: "pkg/smoke", may: domain},
	{prefix: "pkg/smtp/smtptest", may: []string{"pkg/email"}},
	{prefix: "pkg/smtp", may: domain},
	{prefix: "pkg/aws", may: append([]string{"pkg/format"}, domain...)},
	{prefix: "pkg/diagnosis", may: append([]string{"pkg/aws", "pkg/attach", "pkg/capacity", "pkg/format", "pkg/operator", "pkg/terminal"}, domain...)},
	{prefix: "pkg/twin/edge", may: append([]string{"functions/throttle"}, domain...)},
	{prefix: "pkg/twin/twintest", may: slices.Concat(domain, useCases, twins)},
	{prefix: "pkg/twin", may: append([]string{"pkg/disk"}, domain...)},
	{prefix: "pkg/operator", may: append([]string{"pkg/inviter", "pkg/format", "pkg/version"}, domain...)},
	{prefix: "pkg/console", may: append([]string{"pkg/chart", "pkg/feedback", "pkg/operator"}, domain...)},
	{prefix: "pkg/simulation", may: slices.Concat(domain, useCases, twins, []string{"pkg/chart", "pkg/format"})},
	{prefix: "pkg/demo/relay", may: []string{"pkg/email", "pkg/smtp", "pkg/waitlist"}},
	{prefix: "pkg/demo", may: slices.Concat(domain, useCases, twins, []string{"pkg/operator", "pkg/console", "pkg/format", "pkg/records", "pkg/simulation"})},
	{prefix: "functions/throttle"},
	{prefix: "functions", may: slices.Concat(domain, useCases, adapters, []string{"pkg/version"})},
	{prefix: "cmd", may: []string{"pkg", "functions/throttle"}},
	{prefix: "test", may: []string{"pkg", "functions", "cmd", "test"}},
}

// impure says whether a pure layer must not import a package: its inputs come in
// as values. Packages that only parse (net/netip, net/url) are pure.
func impure(name string) bool {
	return slices.Contains([]string{"context", "net", "net/http", "os", "os/exec", "testing"}, name) ||
		within(name, []string{"database", "github.com/aws"})
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	eachGoFile(t, func(file string, tree *ast.File, test bool) {
		dir := path.Dir(file)
		l, ok := layerOf(dir)
		if !ok {
			t.Errorf("%s: no layer holds %q; name it in layers", file, dir)
			return
		}
		for _, spec := range tree.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			inside, local := strings.CutPrefix(name, module+"/")
			switch {
			case local && !test && !within(inside, append([]string{l.prefix}, l.may...)):
				t.Errorf("%s imports %s: %s may import only %v", file, name, l.prefix, l.may)
			case local && !test && l.prefix == "pkg/aws" && within(inside, adapters) && path.Dir(inside) != dir && inside != dir:
				t.Errorf("%s imports %s: adapters never import each other", file, name)
			case !test && l.prefix == "cmd" && strings.HasPrefix(name, "github.com/aws/aws-sdk-go-v2/service/"):
				t.Errorf("%s imports %s: a command calls an adapter of pkg/aws, never a client of the SDK", file, name)
			case !test && l.pure && impure(name):
				t.Errorf("%s imports %s: %s is pure", file, name, l.prefix)
			}
		}
		if l.pure && !test {
			noClock(t, file, tree)
		}
	})
}

// TestImpureIsKnown: the check above can fail, for packages below those named too.
func TestImpureIsKnown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"os": true, "net/http": true, "github.com/aws/aws-sdk-go-v2/service/sesv2": true, "database/sql": true,
		"net/netip": false, "net/url": false, "net/mail": false, "osprey": false, "github.com/awslabs": false,
	} {
		if impure(name) != want {
			t.Errorf("%s: impure is %v", name, !want)
		}
	}
}

// noClock refuses time.Now and its like: time comes in as a value.
func noClock(t *testing.T, file string, tree *ast.File) {
	t.Helper()
	ast.Inspect(tree, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker"}, sel.Sel.Name) {
			t.Errorf("%s reads the clock (time.%s): a pure package takes time as a value", file, sel.Sel.Name)
		}
		return true
	})
}

// TestPublicNamesAreDocumented asks a doc comment of every exported name of
// pkg and functions, and a package comment of every package.
func TestPublicNamesAreDocumented(t *testing.T) {
	t.Parallel()
	commented := map[string]bool{}
	dirs := map[string]bool{}
	eachGoFile(t, func(file string, tree *ast.File, test bool) {
		if test {
			return
		}
		dir := path.Dir(file)
		dirs[dir] = true
		if tree.Doc != nil {
			commented[dir] = true
		}
		if tree.Name.Name == "main" {
			return
		}
		for _, decl := range tree.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && !wellKnown(d) && exportedReceiver(d) {
					t.Errorf("%s: func %s has no doc comment", file, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
							t.Errorf("%s: type %s has no doc comment", file, s.Name.Name)
						}
					case *ast.ValueSpec:
						for _, name := range s.Names {
							if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
								t.Errorf("%s: %s has no doc comment", file, name.Name)
							}
						}
					}
				}
			}
		}
	})
	for dir := range dirs {
		if !commented[dir] {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// wellKnown methods implement an interface of the standard library, whose
// meaning every reader knows.
func wellKnown(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{"String", "GoString", "Error", "Unwrap", "LogValue", "MarshalJSON", "UnmarshalJSON",
		"MarshalText", "UnmarshalText", "Len", "Less", "Swap", "Push", "Pop", "ServeHTTP", "Write", "Read", "Close"}, d.Name.Name)
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// TestFilesCanBeReadInOneSitting bounds a source file, and a function's main:
// wiring only (docs/architecture.md).
func TestFilesCanBeReadInOneSitting(t *testing.T) {
	t.Parallel()
	eachGoFile(t, func(file string, _ *ast.File, test bool) {
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(data), "\n")
		switch {
		case test, strings.HasSuffix(file, "_templ.go"): // generated: the .templ is what is read
		case strings.HasPrefix(file, "functions/") && path.Base(file) == "main.go" && lines >= 60:
			t.Errorf("%s has %d lines: a function is wiring only, under 60", file, lines)
		case lines > 500:
			t.Errorf("%s has %d lines: split it where a reader would take a breath", file, lines)
		}
	})
}

// TestTopLevel holds the list of what may stand at the top of the tree.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	allowed := []string{"functions", "pkg", "cmd", "events", "test", "docs", "template.yaml", "samconfig.toml",
		"go.mod", "go.sum", "Makefile", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "LICENSE", "bin", "out", "dist"} // the last three are built, and ignored by git
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s stands at the top level; the list is in this test", e.Name())
		}
	}
}

// TestNothingIsSkippedOrLeftToDo looks for what a rule forbids in every text
// of the tree.
func TestNothingIsSkippedOrLeftToDo(t *testing.T) {
	t.Parallel()
	forbidden := []string{"TO" + "DO", "FIX" + "ME", "time.Sl" + "eep("}
	eachFile(t, func(file string) {
		switch path.Ext(file) {
		case ".go", ".js", ".mjs", ".yaml", ".md", ".toml":
		default:
			return
		}
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range forbidden {
			if word == "time.Sl"+"eep(" && !strings.HasSuffix(file, "_test.go") {
				continue // a real program may wait; a test may not
			}
			if i := strings.Index(string(data), word); i >= 0 {
				t.Errorf("%s:%d: %s", file, 1+strings.Count(string(data[:i]), "\n"), word)
			}
		}
	})
}

func layerOf(dir string) (layer, bool) {
	for _, l := range layers {
		if within(dir, []string{l.prefix}) {
			return l, true
		}
	}
	return layer{}, false
}

func within(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return name == p || strings.HasPrefix(name, p+"/")
	})
}

func eachGoFile(t *testing.T, visit func(file string, tree *ast.File, test bool)) {
	t.Helper()
	set := token.NewFileSet()
	eachFile(t, func(file string) {
		if path.Ext(file) != ".go" {
			return
		}
		tree, err := parser.ParseFile(set, filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			return
		}
		visit(file, tree, strings.HasSuffix(file, "_test.go"))
	})
}

func eachFile(t *testing.T, visit func(file string)) {
	t.Helper()
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "testdata", "bin", "out"}, d.Name())) {
			return fs.SkipDir
		}
		if !d.IsDir() {
			visit(file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFunctionsLinkNoMoreThanTheyNeed: what only the operators' tool asks (quotas,
// log groups, distributions, stacks, six ways to find credentials) must not make a
// function start more slowly.
func TestFunctionsLinkNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	list := exec.Command("go", "list", "-deps", "./functions/...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, module := range []string{"config", "service/lambda", "service/apigateway", "service/cloudwatchlogs", "service/cloudformation", "service/cloudfront"} {
		if slices.Contains(strings.Fields(string(out)), "github.com/aws/aws-sdk-go-v2/"+module) {
			t.Errorf("a function links the SDK's %s", module)
		}
	}
}
