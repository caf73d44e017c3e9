package template_test

import (
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"raincheck/test/template"
)

// TestAlarmsTellATopic: each alarm tells one topic, the stack's own or the one that
// is given, and either is an output, so that a pager or a chat can hear it.
func TestAlarmsTellATopic(t *testing.T) {
	t.Parallel()
	const given = "arn:aws:sns:us-east-1:111122223333:ops"
	for name, parameters := range map[string]map[string]string{
		template.Main: {"SiteHost": "www.example.org", "MailIdentity": "example.org", "FromAddress": "queue@example.org"},
		template.Edge: {"Stack": "raincheck"},
	} {
		tmpl := read(t, name)
		for _, topic := range []string{"", given} {
			parameters["AlarmTopicArn"] = topic
			s, err := tmpl.Deploy("raincheck", parameters, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := topic
			if topic == "" {
				if want, err = s.Value(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!Ref", Value: "Alarms"}); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.Outputs["AlarmTopicArn"]; got != want || got == "" {
				t.Errorf("%s: the output AlarmTopicArn is %q, want %q", name, got, want)
			}
			for _, alarm := range tmpl.Resources("AWS::CloudWatch::Alarm") {
				for _, action := range []string{"AlarmActions", "OKActions"} {
					told := tmpl.Get("Resources", alarm, "Properties", action)
					if told == nil || len(told.Content) != 1 {
						t.Errorf("%s: %s has no single %s", name, alarm, action)
						continue
					}
					if got, err := s.Value(told.Content[0]); err != nil || got != want {
						t.Errorf("%s: %s tells %q, want %q (%v)", name, alarm, got, want, err)
					}
				}
			}
		}
	}
}

// TestEveryRoleIsBounded: an organisation that asks for a permissions boundary
// refuses every role without it, those that SAM makes for the schedules too.
func TestEveryRoleIsBounded(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Main)
	bounded := func(what string, properties *yaml.Node) {
		if got := template.Get(properties, "PermissionsBoundary"); !chosenBy(got, "HasBoundary") || got.Content[1].Value != "PermissionsBoundary" {
			t.Errorf("%s has no PermissionsBoundary where one is asked for", what)
		}
	}
	roles := tmpl.Resources("AWS::IAM::Role")
	for _, role := range roles {
		bounded(role, tmpl.Get("Resources", role, "Properties"))
	}
	schedules := 0
	for _, function := range tmpl.Resources("AWS::Serverless::Function") {
		events := tmpl.Get("Resources", function, "Properties", "Events")
		for _, event := range template.Keys(events) {
			if template.Get(events, event, "Type").Value == "ScheduleV2" {
				schedules++
				bounded("the schedule "+event, template.Get(events, event, "Properties"))
			}
		}
	}
	if len(roles) != 5 || schedules != 2 {
		t.Errorf("%d roles and %d schedules", len(roles), schedules)
	}
}

// TestWhatAnAccountMayRefuseIsAskedFor: the deliverability manager's options and
// the warm throughput are left out unless a parameter asks for them. One is refused
// by an account that does not have it, the other is paid and cannot be lowered.
func TestWhatAnAccountMayRefuseIsAskedFor(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Main)
	table := tmpl.Get("Resources", "Table", "Properties")
	for what, c := range map[string]struct {
		node              *yaml.Node
		condition, option string
	}{
		"VdmOptions":                 {tmpl.Get("Resources", "MailSet", "Properties", "VdmOptions"), "HasMailManager", "MailManager"},
		"the table's WarmThroughput": {template.Get(table, "WarmThroughput"), "WarmsTable", "WarmWrites"},
		"the index's WarmThroughput": {template.Get(template.Get(table, "GlobalSecondaryIndexes").Content[0], "WarmThroughput"), "WarmsTable", "WarmWrites"},
	} {
		if !chosenBy(c.node, c.condition) {
			t.Errorf("%s is not left out unless %s says otherwise", what, c.option)
		}
		s, err := tmpl.Deploy("raincheck", map[string]string{"SiteHost": "www.example.org", "MailIdentity": "example.org", "FromAddress": "queue@example.org"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if asked, err := s.Holds(c.condition); err != nil || asked {
			t.Errorf("%s is there by default: %v, %v", what, asked, err)
		}
	}
}

// chosenBy says whether a value is there only if a condition holds.
func chosenBy(node *yaml.Node, condition string) bool {
	return node != nil && node.Tag == "!If" && node.Content[0].Value == condition &&
		slices.Equal([]string{node.Content[2].Tag, node.Content[2].Value}, []string{"!Ref", "AWS::NoValue"})
}
