//go:build sam

package sam

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"raincheck/pkg/smoke"
	"raincheck/test/emulators"
	"raincheck/test/template"
)

// otherEvents hands every file of events/ to its function in Lambda's container,
// and the canary what its schedule sends: nothing. origin is the stack's secret.
func (s *stage) otherEvents(origin string) {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(template.Root(), "events", "*.json"))
	if err != nil || len(files) == 0 {
		s.Fatalf("no events: %v", err)
	}
	for _, file := range files {
		event, err := os.ReadFile(file)
		must(s.T, err)
		event = bytes.ReplaceAll(event, []byte("the origin secret of the sample events"), []byte(origin))
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		prefix, _, _ := strings.Cut(name, "-")
		function := emulators.Logical(prefix)
		answer, said := s.answer(function, event)
		var failed struct{ ErrorMessage string }
		if err := json.Unmarshal(answer, &failed); err != nil {
			s.Errorf("events/%s.json: %s answers %.300s\n%s", name, function, answer, said)
			continue
		}
		switch {
		case prefix == "inviter":
			// A tick of this minute was done before: these are overtaken.
			if !strings.Contains(failed.ErrorMessage, "was skipped") {
				s.Errorf("events/%s.json: a tick that was overtaken is answered %.300s", name, answer)
			}
		case failed.ErrorMessage != "":
			s.Errorf("events/%s.json: %s fails: %s", name, function, failed.ErrorMessage)
		}
	}
	// It has no site to reach here: it looks for traces of an earlier
	// canary in the table, and says at which step it stopped.
	answer, said := s.answer("SmokeFunction", []byte("{}"))
	var result smoke.Result
	if err := json.Unmarshal(answer, &result); err != nil || result.Failed != "room" {
		s.Errorf("the canary answers %.300s (%v)\n%s", answer, err, said)
	}
}

// TestEveryFunctionHasAnEvent: what otherEvents plays covers the template.
func TestEveryFunctionHasAnEvent(t *testing.T) {
	tmpl, err := template.Read(template.Main)
	must(t, err)
	for _, function := range tmpl.Resources("AWS::Serverless::Function") {
		prefix := strings.ToLower(strings.TrimSuffix(function, "Function"))
		if files, err := filepath.Glob(filepath.Join(template.Root(), "events", prefix+"-*.json")); err != nil || len(files) == 0 && prefix != "smoke" {
			t.Errorf("no event of events/ is for %s", function)
		}
	}
}
