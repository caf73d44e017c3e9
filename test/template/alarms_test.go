package template_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"raincheck/pkg/metric"
	"raincheck/test/template"
)

// alarm is what decides when one rings.
type alarm struct {
	TreatMissingData, Namespace, MetricName, Statistic, ComparisonOperator string
	EvaluationPeriods, DatapointsToAlarm                                   int
	Metrics                                                                []struct {
		ID         string `json:"Id"`
		Expression string
		MetricStat *struct {
			Metric struct{ Namespace, MetricName string }
		}
	}
}

func alarms(t *testing.T, name string) map[string]alarm {
	t.Helper()
	found := map[string]alarm{}
	tmpl := read(t, name)
	for _, resource := range tmpl.Resources("AWS::CloudWatch::Alarm") {
		var a alarm
		if err := decode(tmpl.Get("Resources", resource, "Properties"), &a); err != nil {
			t.Fatalf("%s: %v", resource, err)
		}
		found[strings.TrimSuffix(resource, "Alarm")] = a
	}
	return found
}

// TestNoAlarmIsSilencedByAnEmptySeries: in metric math a minute in which one
// metric has no datapoint has no result, and an alarm on it no minute that
// breaches. Dead letters added up over two queues ring for nobody while the other
// queue is at rest.
func TestNoAlarmIsSilencedByAnEmptySeries(t *testing.T) {
	t.Parallel()
	for _, name := range []string{template.Main, template.Edge} {
		for short, a := range alarms(t, name) {
			for _, m := range a.Metrics {
				for _, other := range a.Metrics {
					if other.Expression != "" && m.MetricStat != nil && !strings.Contains(other.Expression, "FILL("+m.ID+", 0)") {
						t.Errorf("%s: %q takes %s without FILL: it is silent whenever %s has no datapoint", short, other.Expression, m.ID, m.MetricStat.Metric.MetricName)
					}
				}
			}
			// That FILL fills a series that is empty altogether is not documented, and is to
			// be seen on the first deployment: the alarms of the stack itself do not lean on it.
			if name == template.Main && len(a.Metrics) > 0 {
				t.Errorf("%s calculates; one alarm a metric costs the same and cannot be silenced", short)
			}
		}
	}
}

// TestEachWayInWhichTheEdgeFailsIsHeard: one alarm for each metric of each of the
// two functions, and no arithmetic.
func TestEachWayInWhichTheEdgeFailsIsHeard(t *testing.T) {
	t.Parallel()
	heard := map[string]int{}
	tmpl := read(t, template.Edge)
	for _, name := range tmpl.Resources("AWS::CloudWatch::Alarm") {
		properties := tmpl.Get("Resources", name, "Properties")
		metric, dimensions := template.Get(properties, "MetricName"), template.Get(properties, "Dimensions")
		if metric == nil || dimensions == nil {
			continue
		}
		for _, d := range dimensions.Content {
			if template.Get(d, "Name").Value == "FunctionName" {
				heard[metric.Value+" of "+template.Get(d, "Value").Value]++
			}
		}
	}
	for _, metric := range []string{"FunctionExecutionErrors", "FunctionValidationErrors", "FunctionThrottles"} {
		for _, function := range []string{"throttle", "remember"} {
			if n := heard[metric+" of ${Stack}-"+function]; n != 1 {
				t.Errorf("%d alarms look at %s of %s, want one", n, metric, function)
			}
		}
	}
}

// TestSomebodyHearsThatTheInviterIsSilent: a function that never runs makes no
// error and no number, so that every other alarm is content.
func TestSomebodyHearsThatTheInviterIsSilent(t *testing.T) {
	t.Parallel()
	for short, a := range alarms(t, template.Main) {
		if a.Namespace == "AWS/Lambda" && a.MetricName == "Invocations" {
			if a.TreatMissingData != "breaching" || a.ComparisonOperator != "LessThanThreshold" || a.Statistic != "Sum" {
				t.Errorf("%s does not ring when nothing runs: %+v", short, a)
			}
			return
		}
	}
	t.Error("no alarm looks at whether the inviter runs")
}

// TestEveryNumberIsCounted holds the names of our own metrics, in alarms and on
// the dashboard, to the list of pkg/metric, and that to the code that counts: a
// name that nobody counts is an alarm that never rings.
func TestEveryNumberIsCounted(t *testing.T) {
	t.Parallel()
	code := ""
	for _, folder := range []string{"pkg/inviter", "pkg/sender", "pkg/feedback", "pkg/intake", "pkg/smoke"} {
		files, err := filepath.Glob(filepath.Join(template.Root(), folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", folder, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				code += contents(t, file)
			}
		}
	}
	listed := map[string]bool{}
	constants := regexp.MustCompile(`(\w+) +Name = "([^"]+)"`)
	for _, m := range constants.FindAllStringSubmatch(contents(t, filepath.Join(template.Root(), "pkg", "metric", "metric.go")), -1) {
		listed[m[2]] = true
		_, short, _ := strings.Cut(m[2], ".")
		// The room's and feedback's own names come without the function's.
		if !regexp.MustCompile(`metric\.`+m[1]+`\b`).MatchString(code) && !strings.Contains(code, `"`+short+`"`) {
			t.Errorf("%s is counted nowhere", m[2])
		}
	}
	for _, m := range metric.All() {
		if !listed[string(m.Name)] || m.Means == "" {
			t.Errorf("%+v is not one of the constants, or has no meaning", m)
		}
		delete(listed, string(m.Name))
	}
	for name := range listed {
		t.Errorf("%s is not in metric.All", name)
	}
	names := regexp.MustCompile(`\b(inviter|sender|feedback|intake|smoke)\.([A-Za-z]+)\b`).FindAllString(contents(t, filepath.Join(template.Root(), template.Main)), -1)
	counted := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".go") {
			continue
		}
		counted++
		if !slices.ContainsFunc(metric.All(), func(m metric.Metric) bool { return string(m.Name) == name }) {
			t.Errorf("the template names %s, and pkg/metric does not", name)
		}
	}
	if counted < 20 {
		t.Errorf("only %d names of metrics were found: has their form changed?", counted)
	}
}

// TestTheMetricsInTheRunbookAreFresh holds the table of docs/costs.md to the
// list; -update writes it.
func TestTheMetricsInTheRunbookAreFresh(t *testing.T) {
	t.Parallel()
	table := "| metric | counts |\n|---|---|\n"
	for _, m := range metric.All() {
		table += fmt.Sprintf("| `%s` | %s |\n", m.Name, m.Means)
	}
	generated(t, "costs.md", "<!-- metrics: make template -->\n", "<!-- end of metrics -->", table)
}

// generated holds what stands between two marks of a document to what it should
// be; -update writes it.
func generated(t *testing.T, document, begin, end, want string) {
	t.Helper()
	file := filepath.Join(template.Root(), "docs", document)
	text := contents(t, file)
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s", file, begin)
	}
	fresh := before + begin + want + end + after
	if fresh == text {
		return
	}
	if !*update {
		t.Fatalf("%s is not fresh after %s: make template", file, begin)
	}
	if err := os.WriteFile(file, []byte(fresh), 0o644); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheToolNamesAlarmsThatThereAre, when it sends somebody to the runbook.
func TestTheToolNamesAlarmsThatThereAre(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(template.Root(), "cmd", "raincheck", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tool: %v", err)
	}
	known := alarms(t, template.Main)
	for short, a := range alarms(t, template.Edge) {
		known[short] = a
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\(alarm ([\w-]+) in docs/operating.md\)`).FindAllStringSubmatch(string(text), -1) {
			if _, ok := known[m[1]]; !ok {
				t.Errorf("%s names the alarm %s, and there is none", filepath.Base(file), m[1])
			}
		}
	}
}

// TestEventsAreSpelledAsCloudFormationTakesThem: the API's capitals were refused
// for years with "contains an invalid event type", and may still be somewhere.
// https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2130
func TestEventsAreSpelledAsCloudFormationTakesThem(t *testing.T) {
	t.Parallel()
	var got []string
	for _, node := range read(t, template.Main).Get("Resources", "MailEvents", "Properties", "EventDestination", "MatchingEventTypes").Content {
		got = append(got, node.Value)
	}
	if want := []string{"send", "delivery", "bounce", "complaint", "reject", "deliveryDelay"}; !slices.Equal(got, want) {
		t.Errorf("the events are %v, and not %v", got, want)
	}
}

// TestRulesRefuse what a function would otherwise find out by not starting, a
// minute after a deploy that looked well.
func TestRulesRefuse(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Main)
	for _, story := range []struct {
		given map[string]string
		says  string // empty when nothing is wrong
	}{
		{map[string]string{}, ""},
		{map[string]string{"LoadSource": "ecs-cpu", "LoadResource": "c/s"}, "needs LoadFull"},
		{map[string]string{"LoadSource": "ecs-cpu", "LoadFull": "100"}, "needs LoadResource"},
		{map[string]string{"LoadSource": "ecs-cpu", "LoadFull": "100", "LoadResource": "c/s"}, ""},
		{map[string]string{"LoadSource": "metric", "LoadFull": "100", "LoadMetric": "m"}, "needs LoadNamespace"},
		{map[string]string{"LoadSource": "metric", "LoadFull": "100", "LoadNamespace": "n"}, "needs LoadMetric"},
		{map[string]string{"LoadSource": "metric", "LoadFull": "100", "LoadNamespace": "n", "LoadMetric": "m"}, ""},
		{map[string]string{"LoadSource": "expression", "LoadFull": "100"}, "needs LoadExpression"},
		{map[string]string{"AlarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:ops"}, ""},
		{map[string]string{"AlarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:ops", "AlarmEmail": "ops@example.org"}, "leave AlarmEmail empty"},
		// What an update keeps of a stack that an older version made.
		{map[string]string{"DistributionMode": "create"}, "would remove the distribution"},
		{map[string]string{"MailIdentityMode": "create"}, "would remove the mail identity"},
	} {
		value := func(name string) string {
			if given, ok := story.given[name]; ok {
				return given
			}
			if d := tmpl.Get("Parameters", name, "Default"); d != nil {
				return d.Value
			}
			return "something"
		}
		var said []string
		rules := tmpl.Get("Rules")
		for _, rule := range template.Keys(rules) {
			if condition := template.Get(rules, rule, "RuleCondition"); condition != nil && !holds(t, condition, value) {
				continue
			}
			for _, assertion := range template.Get(rules, rule, "Assertions").Content {
				if !holds(t, template.Get(assertion, "Assert"), value) {
					said = append(said, template.Get(assertion, "AssertDescription").Value)
				}
			}
		}
		if all := strings.Join(said, " "); (all == "") != (story.says == "") || !strings.Contains(all, story.says) {
			t.Errorf("%v is answered %q, and not with %q", story.given, all, story.says)
		}
	}
}

// holds works out a condition of a rule.
func holds(t *testing.T, node *yaml.Node, value func(parameter string) string) bool {
	t.Helper()
	text := func(n *yaml.Node) string {
		if n.Tag == "!Ref" {
			return value(n.Value)
		}
		return n.Value
	}
	if list := template.Get(node, "Fn::Contains"); list != nil {
		return slices.ContainsFunc(list.Content[0].Content, func(n *yaml.Node) bool { return text(n) == text(list.Content[1]) })
	}
	switch node.Tag {
	case "!Equals":
		return text(node.Content[0]) == text(node.Content[1])
	case "!Not":
		return !holds(t, node.Content[0], value)
	}
	t.Fatalf("line %d: a condition that this test cannot work out", node.Line)
	return false
}
