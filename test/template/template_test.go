package template_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"gopkg.in/yaml.v3"

	"raincheck/functions/throttle"
	"raincheck/pkg/bypass"
	"raincheck/test/emulators"
	"raincheck/test/template"
)

var update = flag.Bool("update", false, "write what is generated: the edge's code, the metrics in the runbook")

func read(t *testing.T, name string) template.Template {
	t.Helper()
	read, err := template.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// TestTheEdgesCodeIsFresh holds the code in the template against the shipped
// form; -update writes it, between the comments that say so.
func TestTheEdgesCodeIsFresh(t *testing.T) {
	before, after := throttle.ShippedThrottle()
	path := filepath.Join(template.Root(), template.Main)
	if *update {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = replaced(t, text, "throttle.js", "        - - "+block(before)+"          - !Ref EdgeFailure\n          - "+block(after))
		text = replaced(t, text, "remember.js", "        - - "+block(throttle.ShippedRemember()))
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tmpl := read(t, template.Main)
	for function, want := range map[string]string{
		"ThrottleFunction": before + "!Ref EdgeFailure" + after,
		"RememberFunction": throttle.ShippedRemember(),
	} {
		var got string
		join := tmpl.Get("Resources", function, "Properties", "FunctionCode")
		if join.Tag != "!Join" {
			t.Errorf("the code of %s is not joined: Sub would eat template literals", function)
			continue
		}
		for _, part := range join.Content[1].Content {
			if part.Tag == "!Ref" {
				got += "!Ref "
			}
			got += part.Value
		}
		if got != strings.TrimSuffix(want, "\n") {
			t.Errorf("the code of %s is not what functions/throttle ships: run make template", function)
		}
	}
}

// block writes text as a literal block of YAML, without its last line end.
func block(text string) string {
	return "|-\n            " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n            ") + "\n"
}

func replaced(t *testing.T, text []byte, name, with string) []byte {
	begin, end := []byte("# "+name+" begins\n"), []byte("        # "+name+" ends\n")
	i, j := bytes.Index(text, begin), bytes.Index(text, end)
	if i < 0 || j < i {
		t.Fatalf("template.yaml has no comments that say where %s begins and ends", name)
	}
	return slices.Concat(text[:i+len(begin)], []byte(with), text[j:])
}

// TestEveryFunctionIsWired holds folders, functions and configuration against
// each other.
func TestEveryFunctionIsWired(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Main)
	folders := map[string]bool{}
	entries, err := os.ReadDir(filepath.Join(template.Root(), "functions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(template.Root(), "functions", e.Name(), "main.go")); err == nil {
			folders[e.Name()] = true
		}
	}
	for _, name := range tmpl.Resources("AWS::Serverless::Function") {
		properties := tmpl.Get("Resources", name, "Properties")
		folder := strings.ToLower(strings.TrimSuffix(name, "Function"))
		if got := template.Get(properties, "CodeUri").Value; got != "functions/"+folder+"/" || !folders[folder] {
			t.Errorf("%s is built from %s; one folder is one function, and its name", name, got)
		}
		delete(folders, folder)
		if got := template.Get(properties, "Role").Value; got != strings.TrimSuffix(name, "Function")+"Role.Arn" {
			t.Errorf("%s has the role %s, not its own", name, got)
		}
		declared := template.Keys(template.Get(properties, "Environment", "Variables"))
		known := variables(t, folder)
		for v, required := range known {
			if !slices.Contains(declared, v) {
				t.Errorf("%s: the template does not set %s (required: %v)", name, v, required)
			}
		}
		for _, v := range declared {
			if _, ok := known[v]; !ok {
				t.Errorf("%s: the template sets %s, which its config does not know", name, v)
			}
		}
	}
	for folder := range folders {
		t.Errorf("functions/%s is not a function of the template", folder)
	}
	if queue, sender := tmpl.Get("Resources", "MailQueue", "Properties", "VisibilityTimeout").Value, tmpl.Get("Resources", "SenderFunction", "Properties", "Timeout").Value; queue != "360" || sender != "60" {
		t.Errorf("the queue hides a message for %s s and the sender has %s s: six times is wanted", queue, sender)
	}
}

var envTag = regexp.MustCompile("`env:\"([A-Z_]+)(,required)?\"")

// variables reads the env tags of a function's config.
func variables(t *testing.T, folder string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(template.Root(), "functions", folder, "config.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, m := range envTag.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2] != ""
	}
	return found
}

// TestEveryParameterIsUsed also asks for a description, and a group.
func TestEveryParameterIsUsed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{template.Main, template.Edge, template.Site} {
		tmpl := read(t, name)
		text, err := os.ReadFile(filepath.Join(template.Root(), name))
		if err != nil {
			t.Fatal(err)
		}
		var grouped []string
		if groups := tmpl.Get("Metadata", "AWS::CloudFormation::Interface", "ParameterGroups"); groups != nil {
			for _, g := range groups.Content {
				for _, p := range template.Get(g, "Parameters").Content {
					grouped = append(grouped, p.Value)
				}
			}
		}
		parameters := tmpl.Get("Parameters")
		for _, p := range template.Keys(parameters) {
			if !regexp.MustCompile(`(!Ref |\$\{)` + p + `\b`).Match(text) {
				t.Errorf("%s: the parameter %s is used nowhere", name, p)
			}
			if d := template.Get(parameters, p, "Description"); d == nil || len(d.Value) < 10 {
				t.Errorf("%s: the parameter %s says nothing about itself", name, p)
			}
			if name == template.Main && !slices.Contains(grouped, p) {
				t.Errorf("%s: the parameter %s is in no group", name, p)
			}
		}
	}
}

// TestEveryAlarmHasItsHeading holds the alarms against the runbook: one heading
// per alarm, and none without.
func TestEveryAlarmHasItsHeading(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(template.Root(), "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	var headings []string
	for _, m := range regexp.MustCompile(`(?m)^### Alarm: (\w+)$`).FindAllStringSubmatch(string(text), -1) {
		headings = append(headings, m[1])
	}
	var alarms []string
	for _, name := range []string{template.Main, template.Edge} {
		tmpl := read(t, name)
		for _, alarm := range tmpl.Resources("AWS::CloudWatch::Alarm") {
			short := strings.TrimSuffix(alarm, "Alarm")
			alarms = append(alarms, short)
			properties := tmpl.Get("Resources", alarm, "Properties")
			if got := template.Get(properties, "AlarmName").Value; !strings.HasSuffix(got, "-"+short) {
				t.Errorf("%s is called %s", alarm, got)
			}
			if got := template.Get(properties, "AlarmDescription").Value; !strings.HasSuffix(got, "docs/operating.md, "+short) {
				t.Errorf("%s does not name its heading: %q", alarm, got)
			}
		}
	}
	slices.Sort(headings)
	slices.Sort(alarms)
	if !slices.Equal(headings, alarms) {
		t.Errorf("docs/operating.md has headings for %v, and the alarms are %v", headings, alarms)
	}
}

// TestTheTableIsTheOneThatIsTested holds the template's table against the one
// that the conformance suite runs on.
func TestTheTableIsTheOneThatIsTested(t *testing.T) {
	t.Parallel()
	want := emulators.TableInput("any")
	properties := read(t, template.Main).Get("Resources", "Table", "Properties")
	type key struct{ AttributeName, KeyType string }
	var got struct {
		AttributeDefinitions   []struct{ AttributeName, AttributeType string }
		KeySchema              []key
		GlobalSecondaryIndexes []struct {
			IndexName  string
			KeySchema  []key
			Projection struct {
				ProjectionType   string
				NonKeyAttributes []string
			}
		}
	}
	if err := decode(properties, &got); err != nil {
		t.Fatal(err)
	}
	var a, b []string
	for _, d := range got.AttributeDefinitions {
		a = append(a, d.AttributeName+":"+d.AttributeType)
	}
	for _, d := range want.AttributeDefinitions {
		b = append(b, aws.ToString(d.AttributeName)+":"+string(d.AttributeType))
	}
	for _, k := range got.KeySchema {
		a = append(a, k.AttributeName+":"+k.KeyType)
	}
	for _, k := range want.KeySchema {
		b = append(b, aws.ToString(k.AttributeName)+":"+string(k.KeyType))
	}
	for _, i := range got.GlobalSecondaryIndexes {
		a = append(a, i.IndexName, i.Projection.ProjectionType, strings.Join(i.Projection.NonKeyAttributes, " "))
		for _, k := range i.KeySchema {
			a = append(a, k.AttributeName+":"+k.KeyType)
		}
	}
	for _, i := range want.GlobalSecondaryIndexes {
		b = append(b, aws.ToString(i.IndexName), string(i.Projection.ProjectionType), strings.Join(i.Projection.NonKeyAttributes, " "))
		for _, k := range i.KeySchema {
			b = append(b, aws.ToString(k.AttributeName)+":"+string(k.KeyType))
		}
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the template's table is\n%v\nand the tested one\n%v", a, b)
	}
}

// decode reads a node without its tags of CloudFormation.
func decode(node *yaml.Node, into any) error {
	var plain func(n *yaml.Node)
	plain = func(n *yaml.Node) {
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			n.Tag = ""
		}
		for _, c := range n.Content {
			plain(c)
		}
	}
	plain(node)
	var tree any
	if err := node.Decode(&tree); err != nil {
		return err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// TestTheToolFindsItsOutputs holds every output that a program reads, wherever
// in cmd and pkg, against the template.
func TestTheToolFindsItsOutputs(t *testing.T) {
	t.Parallel()
	outputs := template.Keys(read(t, template.Main).Get("Outputs"))
	named := regexp.MustCompile(`(?m)\bout[A-Z]\w*\s*=\s*"(\w+)"|\bOutputs\["(\w+)"\]|\bNeed\(((?:"\w+"[, ]*)+)\)`)
	found := 0
	for _, top := range []string{"cmd", "pkg"} {
		err := filepath.WalkDir(filepath.Join(template.Root(), top), func(path string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				for _, name := range regexp.MustCompile(`\w+`).FindAllString(m[1]+" "+m[2]+" "+m[3], -1) {
					found++
					if !slices.Contains(outputs, name) {
						t.Errorf("%s reads the output %s, which the template does not have", path, name)
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 10 {
		t.Errorf("only %d outputs are read: has the form of the list changed?", found)
	}
}

// TestNoWildcardWithoutAReason refuses a permission for everything, but of
// services that have nothing to name.
func TestNoWildcardWithoutAReason(t *testing.T) {
	t.Parallel()
	nothingToName := map[string]string{
		"cloudwatch:GetMetricData": "CloudWatch has no resource for reading a metric",
		"ses:GetAccount":           "an account is not a resource",
	}
	tmpl := read(t, template.Main)
	recipients := 0
	for _, role := range tmpl.Resources("AWS::IAM::Role") {
		for _, p := range tmpl.Permissions(role) {
			if strings.Contains(p.Action, "*") {
				t.Errorf("%s allows %s", role, p.Action)
			}
			// To an address or domain that the account has verified itself, SES asks for the
			// permission on that identity as well as on the sender's. Which identities an
			// account has is not known here; that the mail is from FromAddress is.
			if p.Action == "ses:SendEmail" && strings.HasSuffix(p.Resource, ":identity/*") && p.Condition == "StringEquals ses:FromAddress FromAddress" {
				recipients++
				continue
			}
			if _, ok := nothingToName[p.Action]; strings.Contains(p.Resource, "*") && !ok {
				t.Errorf("%s allows %s on %s", role, p.Action, p.Resource)
			}
		}
	}
	if recipients != 1 {
		t.Errorf("%d statements allow mail to recipients whose identity the account has, want the sender's", recipients)
	}
}

// TestAStackHasItsOwnNames: two stacks share an account and a region, so that
// every name that is given carries the stack's.
func TestAStackHasItsOwnNames(t *testing.T) {
	t.Parallel()
	named := map[string]string{
		"AWS::CloudFront::KeyValueStore": "Name", "AWS::CloudFront::Function": "Name", "AWS::CloudWatch::Alarm": "AlarmName",
		"AWS::CloudFront::CachePolicy": "CachePolicyConfig.Name", "AWS::CloudFront::OriginRequestPolicy": "OriginRequestPolicyConfig.Name",
		"AWS::CloudWatch::Dashboard": "DashboardName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::WAFv2::WebACL": "Name", "AWS::WAFv2::RuleGroup": "Name",
	}
	for _, file := range []string{template.Main, template.Edge} {
		tmpl := read(t, file)
		for _, resource := range template.Keys(tmpl.Get("Resources")) {
			typ, properties := tmpl.Get("Resources", resource, "Type").Value, tmpl.Get("Resources", resource, "Properties")
			if name := template.Get(properties, strings.Split(named[typ], ".")...); named[typ] != "" && name != nil &&
				!strings.Contains(name.Value, "${AWS::StackName}") && !strings.Contains(name.Value, "${Stack}") && name.Value != "AWS::StackName" {
				t.Errorf("%s: %s is called %s in every stack", file, resource, name.Value)
			}
			if invoke := template.Get(properties, "EventInvokeConfig"); typ == "AWS::Serverless::Function" && invoke != nil && resource != "FeedbackFunction" {
				lateness(t, resource, invoke)
			}
			events := template.Get(properties, "Events")
			for _, event := range template.Keys(events) {
				// SAM gives a schedule the event's logical name alone, unless it is told not to.
				if template.Get(events, event, "Type").Value != "ScheduleV2" {
					continue
				}
				lateness(t, resource+"."+event, template.Get(events, event, "Properties", "RetryPolicy"))
				if omit := template.Get(events, event, "Properties", "OmitName"); omit == nil || omit.Value != "true" {
					t.Errorf("%s: the schedule %s of %s has the same name in every stack: OmitName: true", file, event, resource)
				}
			}
		}
	}
}

// lateness: EventBridge Scheduler may be 60 seconds late by its documentation, and
// drops an event past its age in silence; Lambda queues one while no execution is
// free. Three minutes cover both, and nothing is tried twice: the next tick is.
func lateness(t *testing.T, what string, policy *yaml.Node) {
	t.Helper()
	for name, want := range map[string]string{"MaximumEventAgeInSeconds": "180", "MaximumRetryAttempts": "0"} {
		if got := template.Get(policy, name); got == nil || got.Value != want {
			t.Errorf("%s: %s is not %s", what, name, want)
		}
	}
}

// TestTheRoomGetsWhatItReads holds the waiting room's origin request policy
// against the headers that it reads, and CloudFront's bounds.
func TestTheRoomGetsWhatItReads(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Main)
	var policy struct {
		CookiesConfig struct {
			CookieBehavior string
			Cookies        []string
		}
		HeadersConfig struct {
			HeaderBehavior string
			Headers        []string
		}
		QueryStringsConfig struct{ QueryStringBehavior string }
	}
	if err := decode(tmpl.Get("Resources", "RoomOriginRequestPolicy", "Properties", "OriginRequestPolicyConfig"), &policy); err != nil {
		t.Fatal(err)
	}
	if c := policy.CookiesConfig; c.CookieBehavior != "whitelist" || !slices.Equal(c.Cookies, []string{bypass.CookieName}) {
		t.Errorf("the waiting room gets cookies beside its own: %+v", c)
	}
	if h := policy.HeadersConfig; h.HeaderBehavior != "whitelist" || len(h.Headers) > 10 {
		t.Errorf("CloudFront takes ten named headers: %+v", h)
	}
	if policy.QueryStringsConfig.QueryStringBehavior != "all" {
		t.Error("the waiting room does not get the query that says where its visitor wanted to go")
	}
	files, err := filepath.Glob(filepath.Join(template.Root(), "pkg", "intake", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`r\.Header\.(?:Get|Values)\("([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			reads++
			if m[1] != "X-Forwarded-For" && !slices.Contains(policy.HeadersConfig.Headers, m[1]) && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s reads %s, which CloudFront does not forward", filepath.Base(file), m[1])
			}
		}
	}
	if reads == 0 {
		t.Error("no header is read: has the form changed?")
	}
}

// TestTheStackTakesNoSiteWithIt: a distribution or a mail identity in the stack
// would be removed with it, or by one wrong answer in a guided deployment from
// another clone. Those of site.yaml outlive even their own stack.
func TestTheStackTakesNoSiteWithIt(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"AWS::CloudFront::Distribution", "AWS::SES::EmailIdentity"} {
		for _, file := range []string{template.Main, template.Edge} {
			if found := read(t, file).Resources(typ); len(found) > 0 {
				t.Errorf("%s has %v: an update of raincheck can remove the site", file, found)
			}
		}
		site := read(t, template.Site)
		for _, name := range site.Resources(typ) {
			for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if got := site.Get("Resources", name, policy); got == nil || got.Value != "Retain" {
					t.Errorf("%s: the %s of %s is not Retain", template.Site, policy, name)
				}
			}
		}
	}
}
