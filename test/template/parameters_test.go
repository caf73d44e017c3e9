package template_test

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/test/template"
)

// allows says whether CloudFormation would take a value for a parameter.
func allows(t *testing.T, parameter *yaml.Node, value string) bool {
	t.Helper()
	if p := template.Get(parameter, "AllowedPattern"); p != nil {
		// A pattern has to match all of a value.
		if !regexp.MustCompile(`^(?:` + p.Value + `)$`).MatchString(value) {
			return false
		}
	}
	if allowed := template.Get(parameter, "AllowedValues"); allowed != nil {
		if !slices.ContainsFunc(allowed.Content, func(n *yaml.Node) bool { return n.Value == value }) {
			return false
		}
	}
	if template.Get(parameter, "Type").Value != "Number" {
		return true
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(n) {
		return false // NaN is a number for Go alone
	}
	for name, outside := range map[string]func(bound float64) bool{
		"MinValue": func(bound float64) bool { return n < bound },
		"MaxValue": func(bound float64) bool { return n > bound },
	} {
		if node := template.Get(parameter, name); node != nil {
			bound, err := strconv.ParseFloat(node.Value, 64)
			if err != nil {
				t.Fatalf("%s is %q", name, node.Value)
			}
			if outside(bound) {
				return false
			}
		}
	}
	return true
}

// TestEveryDefaultIsAllowed: a default that CloudFormation refuses is found at
// the first deploy, by somebody who left everything as it was.
func TestEveryDefaultIsAllowed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{template.Main, template.Edge} {
		parameters := read(t, name).Get("Parameters")
		for _, p := range template.Keys(parameters) {
			parameter := template.Get(parameters, p)
			if d := template.Get(parameter, "Default"); d != nil && !allows(t, parameter, d.Value) {
				t.Errorf("%s: the default of %s, %q, is not allowed by its own rules", name, p, d.Value)
			}
		}
	}
}

// TestParametersRefuse what would go wrong later, in a function that cannot
// start or a rule that never fires.
func TestParametersRefuse(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		template, parameter string
		good, bad           []string
	}{
		{template.Main, "SiteHost", []string{"www.example.org", "a.b-c.example"}, []string{"", "example", "https://www.example.org", "www.example.org/", "WWW.example.org", "-a.example.org", "www.example.org\n"}},
		{template.Main, "FromAddress", []string{"queue@example.org", "a+b@mail.example.org"}, []string{"", "queue", "Site <queue@example.org>", "a@b\r\nBcc: x@y.z"}},
		{template.Main, "ReplyTo", []string{"", "help@example.org"}, []string{"help", "Help <help@example.org>", "a@b\r\nBcc: x@y.z"}},
		{template.Main, "Languages", []string{"en", "en,es,pt-br"}, []string{"", "EN", "en, es", "en,"}},
		{template.Main, "Embedders", []string{"", "https://news.example.org,https://x.example:8443"}, []string{"http://news.example.org", "https://news.example.org/", "*"}},
		{template.Main, "LeaveAlone", []string{"", "/api/,/status"}, []string{"api/", "/a b", "/a,"}},
		{template.Main, "Strict", []string{"", "/api/orders/,/account/"}, []string{"api/", "/a b", "/a,", "/Account/"}},
		{template.Main, "QuietHours", []string{"", "22:00-07:00-05:00", "22:00-07:00+00:00"}, []string{"22-7", "22:00-07:00", "22:00-07:00Z"}},
		{template.Main, "CodeLife", []string{"4h", "30m", "90m", "1h30m", "168h", "167h59m"}, []string{"", "4", "4 h", "4d", "-4h", "0h", "29m", "169h", "168h1m"}},
		{template.Main, "PassLife", []string{"1h", "5m", "30m", "1h30m", "24h"}, []string{"", "0h", "4m", "25h", "24h1m", "1"}},
		{template.Main, "LoadFull", []string{"0.5", "50000"}, []string{"-1", "many"}},
		{template.Main, "Target", []string{"0.9", "1"}, []string{"0", "1.01", "NaN", "90%"}},
		{template.Main, "Capacity", []string{"0", "50000"}, []string{"-1", ""}},
		{template.Main, "QueueFirst", []string{"0", "1"}, []string{"-0.1", "1.1"}},
		{template.Site, "CertificateArn", []string{"", "arn:aws:acm:us-east-1:123456789012:certificate/0a1b-2c"}, []string{"arn:aws:acm:eu-west-1:123456789012:certificate/0a1b-2c"}},
		{template.Site, "WebAclArn", []string{"", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b"}, []string{"arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b"}},
		{template.Site, "MailDomain", []string{"", "example.org"}, []string{"queue@example.org", "example"}},
		{template.Main, "WarmWrites", []string{"0", "4000", "40000"}, []string{"", "1", "3999", "04000", "1000000"}},
		{template.Main, "AlarmTopicArn", []string{"", "arn:aws:sns:eu-west-1:111122223333:ops"}, []string{"ops", "arn:aws:sqs:eu-west-1:111122223333:ops"}},
		{template.Edge, "AlarmTopicArn", []string{"", "arn:aws:sns:us-east-1:111122223333:ops"}, []string{"arn:aws:sns:eu-west-1:111122223333:ops"}},
		{template.Main, "PermissionsBoundary", []string{"", "arn:aws:iam::111122223333:policy/bound", "arn:aws:iam::aws:policy/PowerUserAccess"}, []string{"bound", "arn:aws:iam::111122223333:role/x"}},
		{template.Main, "LogDays", []string{"30"}, []string{"31", "0"}},
		{template.Edge, "PostsPerAddress", []string{"10", "300"}, []string{"0", "9", "2000000001"}},
		{template.Edge, "WebAcl", []string{"yes", "rules", "no"}, []string{"", "true"}},
		{template.Edge, "Stack", []string{"raincheck-prod"}, []string{"", "1a", "a_b"}},
	} {
		parameter := read(t, story.template).Get("Parameters", story.parameter)
		if parameter == nil {
			t.Errorf("%s has no parameter %s", story.template, story.parameter)
			continue
		}
		for _, value := range story.good {
			if !allows(t, parameter, value) {
				t.Errorf("%s refuses %q", story.parameter, value)
			}
		}
		for _, value := range story.bad {
			if allows(t, parameter, value) {
				t.Errorf("%s takes %q", story.parameter, value)
			}
		}
	}
}

// TestTheTemplateOffersWhatTheCodeKnows: the languages and the load presets of
// the template are those of the code. A language is added by its two files
// (TestALanguageIsTwoFiles), a preset in pkg/aws/metrics and here.
func TestTheTemplateOffersWhatTheCodeKnows(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Main)
	languages := tmpl.Get("Parameters", "Languages")
	if got, want := template.Get(languages, "Default").Value, strings.Join(gate.DefaultSettings().Languages, ","); got != want {
		t.Errorf("the template's default languages are %q, the code's (gate.DefaultSettings) %q", got, want)
	}
	var known []string
	for _, l := range email.Languages() {
		known = append(known, l.Tag)
		if !allows(t, languages, l.Tag) {
			t.Errorf("the parameter Languages does not allow %q, which there are words for", l.Tag)
		}
	}
	for _, tag := range gate.DefaultSettings().Languages {
		if !slices.Contains(known, tag) {
			t.Errorf("the default language %q has no words", tag)
		}
	}

	var offered []string
	for _, v := range tmpl.Get("Parameters", "LoadSource", "AllowedValues").Content {
		offered = append(offered, v.Value)
	}
	slices.Sort(offered)
	presets := slices.Sorted(slices.Values(metrics.Presets()))
	if !slices.Equal(offered, presets) {
		t.Errorf("the template offers the load sources %v, pkg/aws/metrics knows %v", offered, presets)
	}
}
