//go:build deploy

package deploy

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"raincheck/test/template"
)

// TestTheTransformedTemplate holds what the SAM transform makes of template.yaml:
// a name that lacks the stack's own is one that a second stack cannot have, and
// SAM writes some by itself.
func TestTheTransformedTemplate(t *testing.T) {
	script := exec.Command(filepath.Join(".venv", "bin", "python"), "transform.py", filepath.Join(template.Root(), template.Main))
	script.Env = append(os.Environ(), "AWS_DEFAULT_REGION="+region)
	text, err := script.Output()
	if err != nil {
		if ended, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("transform.py: %v\n%s", err, ended.Stderr)
		}
		t.Fatal(err)
	}
	var made struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
		Outputs map[string]any
	}
	if err := json.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	// Properties that name a resource, beside those that end in Name by themselves and
	// refer to another resource or to something inside the template.
	refers := []string{"ConfigurationSetName", "PolicyName", "LogGroupName", "FunctionName", "IndexName", "AttributeName", "MetricName", "StageName"}
	named, schedules := 0, 0
	for logical, r := range made.Resources {
		if document, err := json.Marshal(r.Properties["PermissionsBoundary"]); r.Type == "AWS::IAM::Role" && (err != nil || !strings.Contains(string(document), "HasBoundary")) {
			t.Errorf("the role %s takes no PermissionsBoundary", logical)
		}
		if r.Type == "AWS::Scheduler::Schedule" {
			schedules++
		}
		for property, value := range r.Properties {
			if property != "Name" && (!strings.HasSuffix(property, "Name") || slices.Contains(refers, property)) {
				continue
			}
			named++
			// A function of CloudFormation that brings the stack's name in.
			if document, err := json.Marshal(value); err != nil || !strings.Contains(string(document), "AWS::StackName") {
				t.Errorf("%s (%s): %s is %s in every stack", logical, r.Type, property, document)
			}
		}
	}
	if named == 0 || schedules != 2 {
		t.Errorf("%d names and %d schedules: has the transform changed?", named, schedules)
	}
	main, err := template.Read(template.Main)
	if err != nil {
		t.Fatal(err)
	}
	for _, output := range template.Keys(main.Get("Outputs")) {
		if made.Outputs[output] == nil {
			t.Errorf("the transform loses the output %s", output)
		}
	}
}
