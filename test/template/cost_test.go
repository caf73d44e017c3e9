package template_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"raincheck/test/template"
)

// TestWhatCostsAtRestIsWritten counts what both templates make that is paid by
// the month whether anybody comes or not, and holds docs/costs.md to it:
// secrets, and the metrics that alarms look at. What a parameter must ask for
// first (the canary, a web ACL) is not counted.
func TestWhatCostsAtRestIsWritten(t *testing.T) {
	t.Parallel()
	metrics, secrets := 0, 0
	for _, name := range []string{template.Main, template.Edge} {
		tmpl := read(t, name)
		for _, alarm := range tmpl.Resources("AWS::CloudWatch::Alarm") {
			if tmpl.Get("Resources", alarm, "Condition") != nil {
				continue
			}
			list := tmpl.Get("Resources", alarm, "Properties", "Metrics")
			if list == nil {
				metrics++
				continue
			}
			for _, one := range list.Content {
				if template.Get(one, "MetricStat") != nil {
					metrics++
				}
			}
		}
		secrets += len(tmpl.Resources("AWS::SecretsManager::Secret"))
		for _, typ := range []string{"AWS::EC2::NatGateway", "AWS::EC2::VPC", "AWS::KMS::Key", "AWS::Route53::HostedZone", "AWS::Kinesis::Stream", "AWS::WAFv2::WebACL", "AWS::WAFv2::RuleGroup"} {
			for _, name := range tmpl.Resources(typ) {
				if tmpl.Get("Resources", name, "Condition") == nil {
					t.Errorf("%s costs while nobody waits, and is not asked for", name)
				}
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(template.Root(), "docs", "costs.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## What it costs")
	for _, words := range []string{
		fmt.Sprintf("| %d secrets | %.2f |", secrets, 0.4*float64(secrets)),
		fmt.Sprintf("| %d metrics that alarms look at | %.2f |", metrics, 0.1*float64(metrics)),
	} {
		if !strings.Contains(section, words) {
			t.Errorf("docs/costs.md does not say %q under \"What it costs\"", words)
		}
	}
}
