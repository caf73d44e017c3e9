package template_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"raincheck/test/template"
)

// counted evaluates a statement of AWS WAF for one request: as much of the
// language as edge.yaml uses, and a failure for anything else.
func counted(t *testing.T, statement *yaml.Node, method, target string) bool {
	t.Helper()
	switch name := template.Keys(statement)[0]; name {
	case "AndStatement":
		for _, inner := range template.Get(statement, name, "Statements").Content {
			if !counted(t, inner, method, target) {
				return false
			}
		}
		return true
	case "NotStatement":
		return !counted(t, template.Get(statement, name, "Statement"), method, target)
	case "ByteMatchStatement":
		field := method
		if template.Keys(template.Get(statement, name, "FieldToMatch"))[0] == "UriPath" {
			field, _, _ = strings.Cut(target, "?")
		}
		for _, change := range template.Get(statement, name, "TextTransformations").Content {
			switch kind := template.Get(change, "Type").Value; kind {
			case "NONE":
			case "URL_DECODE":
				if decoded, err := url.PathUnescape(field); err == nil {
					field = decoded
				}
			case "NORMALIZE_PATH":
				field = path.Clean(field) + strings.Repeat("/", len(field)-len(strings.TrimSuffix(field, "/")))
			default:
				t.Fatalf("this test does not know the transformation %s", kind)
			}
		}
		want := template.Get(statement, name, "SearchString").Value
		switch position := template.Get(statement, name, "PositionalConstraint").Value; position {
		case "EXACTLY":
			return field == want
		case "STARTS_WITH":
			return strings.HasPrefix(field, want)
		case "ENDS_WITH":
			return strings.HasSuffix(field, want)
		default:
			t.Fatalf("this test does not know the position %s", position)
		}
	default:
		t.Fatalf("this test does not know the statement %s", name)
	}
	return false
}

// TestRateRuleCountsSignupsAndCodes: the rule bounds what a person posts, and not
// what mail providers post for their users or what belongs to the site.
func TestRateRuleCountsSignupsAndCodes(t *testing.T) {
	t.Parallel()
	edge, err := template.Read(template.Edge)
	if err != nil {
		t.Fatal(err)
	}
	rule := edge.Get("Resources", "RoomRules", "Properties", "Rules").Content[0]
	statement := template.Get(rule, "Statement", "RateBasedStatement", "ScopeDownStatement")
	for _, c := range []struct {
		method, target string
		want           bool
	}{
		{"POST", "/waiting-room/en/", true},
		{"POST", "/waiting-room/zh-hk/?to=%2Fapply", true},
		{"POST", "/%77aiting-room/en/", true},
		{"POST", "/x/../waiting-room/en/", true},
		{"POST", "/waiting-room/en/code?c=1", true},
		{"POST", "/waiting-room/en/leave?t=1", false},
		{"POST", "/waiting-room/ar/leave", false},
		{"GET", "/waiting-room/en/", false},
		{"POST", "/waiting-rooms/book", false},
		{"POST", "/apply", false},
	} {
		if got := counted(t, statement, c.method, c.target); got != c.want {
			t.Errorf("%s %s: counted is %v, want %v", c.method, c.target, got, c.want)
		}
	}
	// The windows that the service knows are 60, 120, 300 and 600 s.
	for name, want := range map[string]string{"AggregateKeyType": "IP", "EvaluationWindowSec": "300", "Limit": "PostsPerAddress"} {
		if got := template.Get(rule, "Statement", "RateBasedStatement", name).Value; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	refusal := template.Get(rule, "Action", "Block", "CustomResponse")
	if status := template.Get(refusal, "ResponseCode").Value; status != "429" || template.Get(refusal, "CustomResponseBodyKey").Value != "not-saved" {
		t.Errorf("the refusal has status %s", status)
	}
	// WAF sends TEXT_PLAIN without a charset, and what is refused is read in Spanish too.
	body := edge.Get("Resources", "RoomRules", "Properties", "CustomResponseBodies", "not-saved")
	if template.Get(body, "ContentType").Value != "TEXT_HTML" || !strings.Contains(template.Get(body, "Content").Value, `<meta charset="utf-8">`) || !strings.Contains(template.Get(body, "Content").Value, "not saved") {
		t.Error("the page of the rule does not say its charset, or not that nothing was saved")
	}
}

// TestWebAclOfTheSiteIsKept: a distribution has one web ACL, so the rule must be
// available without one, and the ACL of our own must hold nothing but it.
func TestWebAclOfTheSiteIsKept(t *testing.T) {
	t.Parallel()
	edge, err := template.Read(template.Edge)
	if err != nil {
		t.Fatal(err)
	}
	group, acl := edge.Get("Resources", "RoomRules", "Condition").Value, edge.Get("Resources", "RoomAcl", "Condition").Value
	if group != "MakesRules" || acl != "MakesWebAcl" {
		t.Errorf("the rule group depends on %s and the web ACL on %s", group, acl)
	}
	rules := edge.Get("Resources", "RoomAcl", "Properties", "Rules").Content
	if len(rules) != 1 || template.Get(rules[0], "Statement", "RuleGroupReferenceStatement") == nil {
		t.Error("the web ACL is not the rule group alone")
	}
	for _, output := range []string{"RuleGroupArn", "WebAclArn"} {
		if edge.Get("Outputs", output) == nil {
			t.Errorf("no output %s", output)
		}
	}
}
