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

// What a document says of the code, in the form in which it says it.
var (
	inBackticks = regexp.MustCompile("`([^`\n]+)`")
	testName    = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)[A-Z]\w*$`)
	treePath    = regexp.MustCompile(`^(?:cmd|docs|events|functions|pkg|test)/[\w./-]+$`)
	topFile     = regexp.MustCompile(`^[\w.-]+\.(?:yaml|toml|mod|sum|md)$`)
	makeTarget  = regexp.MustCompile(`^make ([a-z][a-z-]*)`)
	toolCall    = regexp.MustCompile(`raincheck ([a-z]+)((?:[^\S\n]+[^|;&\n` + "`" + `]*)?)`)
	flagName    = regexp.MustCompile(`(?:^|\s)--([a-z][a-z-]+)`)
	bareFlag    = regexp.MustCompile(`^--([a-z][a-z-]+)`)
	localLink   = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)\s]*)?\)`)
)

// foreignFlags are flags of other programs that the documents name by
// themselves: of npm, sam, aws and git.
var foreignFlags = []string{"help", "ignore-scripts"}

// TestDocumentsNameWhatIsThere: every test, file, make target, command and flag
// that README.md and docs/ name exists, so that they cannot rot unseen.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	tests, tool := map[string]bool{}, map[string]bool{}
	eachGoFile(t, func(file string, tree *ast.File, test bool) {
		if test {
			for _, d := range tree.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
					tests[f.Name.Name] = true
				}
			}
			return
		}
		if strings.HasPrefix(file, "cmd/raincheck/") || strings.HasPrefix(file, "pkg/demo/relay/") { // whose flags the command takes over
			for _, name := range arguments(tree) {
				tool[name] = true
			}
		}
	})
	made, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil
	}
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(documents) < 3 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		documents = append(documents, filepath.Join(root, name))
	}
	for _, document := range documents {
		data, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		text, name := string(data), filepath.Base(document)
		for _, m := range inBackticks.FindAllStringSubmatch(text, -1) {
			switch word := m[1]; {
			case testName.MatchString(word) && !tests[word]:
				t.Errorf("%s names the test %s, which is not there", name, word)
			case (treePath.MatchString(word) || topFile.MatchString(word)) && !there(word) && !there("docs/"+word):
				t.Errorf("%s names %s, which is not there", name, word)
			}
			if flag := bareFlag.FindStringSubmatch(m[1]); flag != nil && !tool[strings.ReplaceAll(flag[1], "-", "")] && !slices.Contains(foreignFlags, flag[1]) {
				t.Errorf("%s names the flag --%s, which no command has", name, flag[1])
			}
			if target := makeTarget.FindStringSubmatch(m[1]); target != nil && !regexp.MustCompile(`(?m)^`+target[1]+`:`).Match(made) {
				t.Errorf("%s names make %s, which is not there", name, target[1])
			}
		}
		for _, call := range toolCall.FindAllStringSubmatch(code(text), -1) {
			if !tool[call[1]] {
				t.Errorf("%s names the command raincheck %s, which is not there", name, call[1])
				continue
			}
			for _, flag := range flagName.FindAllStringSubmatch(call[2], -1) {
				if !tool[strings.ReplaceAll(flag[1], "-", "")] && flag[1] != "help" {
					t.Errorf("%s gives raincheck %s the flag --%s, which is not there", name, call[1], flag[1])
				}
			}
		}
		for _, m := range localLink.FindAllStringSubmatch(text, -1) {
			if !there(filepath.Join(filepath.Dir(document)[len(root):], m[1])) {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
	}
}

// arguments are the names of the commands and flags that kong makes of the
// fields of structures: their own in lower case without hyphens, or the one in
// the tag.
func arguments(tree *ast.File) []string {
	var names []string
	given := regexp.MustCompile(`name:"([^"]+)"`)
	ast.Inspect(tree, func(n ast.Node) bool {
		structure, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range structure.Fields.List {
			for _, name := range field.Names {
				names = append(names, strings.ToLower(name.Name))
			}
			if field.Tag != nil {
				if m := given.FindStringSubmatch(field.Tag.Value); m != nil {
					names = append(names, strings.ReplaceAll(m[1], "-", ""))
				}
			}
		}
		return true
	})
	return names
}

// code is what stands in backticks and in indented or fenced blocks, a line
// each: prose may say "raincheck keeps".
func code(text string) string {
	var lines []string
	fenced := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(line, "    "):
			lines = append(lines, strings.TrimSpace(line))
		default:
			for _, m := range inBackticks.FindAllStringSubmatch(line, -1) {
				lines = append(lines, m[1])
			}
		}
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}
