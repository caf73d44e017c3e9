package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"raincheck/test/template"
)

// TestEverySampleEventIsPlayed: a file in events/ is named after its function,
// whose own test plays it.
func TestEverySampleEventIsPlayed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(template.Root(), "events", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no events: %v", err)
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(filepath.Base(file), ".json")
		function, _, _ := strings.Cut(name, "-")
		text, err := os.ReadFile(filepath.Join(template.Root(), "functions", function, "events_test.go"))
		if !ok || err != nil || !strings.Contains(string(text), `"`+name+`"`) && !strings.Contains(string(text), "/"+name+".json") {
			t.Errorf("events/%s is played by no test of functions/%s (%v)", filepath.Base(file), function, err)
		}
	}
}
