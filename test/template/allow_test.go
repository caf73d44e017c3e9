package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"raincheck/test/template"
)

// TestOnlyWhatWasBuiltIsDeployed: the template beside programs for one kind of
// processor refuses the other, and is otherwise the same.
func TestOnlyWhatWasBuiltIsDeployed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(template.Root(), template.Main))
	if err != nil {
		t.Fatal(err)
	}
	only, err := template.AllowOnly(text, "Architecture", "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{"SiteHost": "www.example.org", "FromAddress": "queue@example.org", "MailIdentity": "example.org"}
	built := parsed(t, only)
	if s, err := built.Deploy("raincheck", given, nil); err != nil || s.Parameters["Architecture"] != "x86_64" {
		t.Errorf("it does not default to what was built: %v", err)
	}
	given["Architecture"] = "arm64"
	if _, err := built.Deploy("raincheck", given, nil); err == nil || !strings.Contains(err.Error(), "Architecture") {
		t.Errorf("programs for x86_64 are deployed onto arm64: %v", err)
	}
	if _, err := template.AllowOnly(text, "Architecture", "riscv"); err == nil {
		t.Error("programs for a processor that Lambda does not have")
	}
	// Put back, nothing has changed.
	given["Architecture"] = "x86_64"
	a, errA := built.Deploy("raincheck", given, nil)
	b, errB := parsed(t, text).Deploy("raincheck", given, nil)
	if errA != nil || errB != nil || len(a.Outputs) != len(b.Outputs) {
		t.Errorf("%v, %v: the outputs are %v and %v", errA, errB, a, b)
	}
}

func parsed(t *testing.T, text []byte) template.Template {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return template.Of(&doc)
}
