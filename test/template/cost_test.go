package template_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/smoke"
	"raincheck/test/template"
)

// TestThePricesAddUp holds each table of prices in docs/costs.md to its sum, and the
// table of then and now to what is counted: by this test from the other tables, by
// cmd/raincheck for the console, and from how often the canary reads the gate.
func TestThePricesAddUp(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(template.Root(), "docs", "costs.md"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		var sum []float64
		for line := range strings.Lines(body) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			var prices []float64
			for _, cell := range cells[1:] {
				if price, err := strconv.ParseFloat(strings.Trim(cell, " *"), 64); err == nil {
					prices = append(prices, price)
				}
			}
			switch {
			case len(prices) == 0:
			case strings.Contains(cells[0], "**Together**"):
				for i, price := range prices {
					if math.Abs(price-sum[i]) > 0.005 {
						t.Errorf("%s: the lines of column %d are %.2f together, not %.2f", title, i+1, sum[i], price)
					}
				}
				sums[title] = prices[0]
			default:
				sum = append(sum, make([]float64, max(0, len(prices)-len(sum)))...)
				for i, price := range prices {
					sum[i] += price
				}
			}
		}
	}
	day, month := sums["A day on which the throttle turns people away"], sums["At rest: mode open, nobody waiting, for a month"]
	if day == 0 || month == 0 {
		t.Fatalf("docs/costs.md has no sums for a day and for a month at rest: %v", sums)
	}
	const (
		days = 31 // of a month of smoke
		read = 0.001
	)
	reads := days * 24 * time.Hour / smoke.GateEvery
	runs := days * 24 * time.Hour / (5 * time.Minute)
	for _, words := range []string{
		fmt.Sprintf("| a day on which the throttle turns people away | 1.76 | %.2f |", day),
		fmt.Sprintf("| a night at rest, twelve hours | %.2f | %.2f |", 3.34/60, month/60),
		fmt.Sprintf("| a month of Smoke=on, the gate read by the canary | %.2f | %.2f |", 2*float64(runs)*read, float64(reads)*read),
	} {
		if !strings.Contains(string(text), words) {
			t.Errorf("docs/costs.md does not say %q", words)
		}
	}
}

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
