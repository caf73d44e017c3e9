package template_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"raincheck/test/template"
)

// TestTheReadmeNamesEveryParameter: a line of the README that deploys a template
// names each parameter that has no default. CloudFormation refuses it else.
func TestTheReadmeNamesEveryParameter(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(template.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^    aws cloudformation deploy .*--template-file (\S+).*$`).FindAllStringSubmatch(string(readme), -1)
	if len(lines) == 0 {
		t.Fatal("the README deploys no template")
	}
	for _, line := range lines {
		parameters := read(t, line[1]).Get("Parameters")
		for _, name := range template.Keys(parameters) {
			if template.Get(parameters, name, "Default") == nil && !strings.Contains(line[0], " "+name+"=") {
				t.Errorf("%s has no default for %s, which the README leaves out:\n%s", line[1], name, line[0])
			}
		}
	}
}
