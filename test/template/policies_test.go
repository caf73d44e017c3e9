package template_test

import (
	"slices"
	"strings"
	"testing"

	"raincheck/test/template"
)

// TestDeployMayMakeEveryResource: docs/policies/deploy.json allows something of the
// service of every resource of the templates, and of the roles that SAM makes. What
// else CloudFormation asks for shows on an account alone.
func TestDeployMayMakeEveryResource(t *testing.T) {
	t.Parallel()
	policy, err := template.ReadPolicy("deploy")
	if err != nil {
		t.Fatal(err)
	}
	service := map[string]string{
		"CloudFront": "cloudfront", "CloudWatch": "cloudwatch", "DynamoDB": "dynamodb", "IAM": "iam", "Logs": "logs", "SES": "ses",
		"SNS": "sns", "SQS": "sqs", "SecretsManager": "secretsmanager", "WAFv2": "wafv2",
	}
	needed := []string{"cloudformation", "s3", "iam", "lambda", "apigateway", "scheduler", "events"} // of SAM
	for _, name := range []string{template.Main, template.Edge, template.Site} {
		tmpl := read(t, name)
		for _, resource := range template.Keys(tmpl.Get("Resources")) {
			part := strings.Split(tmpl.Get("Resources", resource, "Type").Value, "::")[1]
			if part == "Serverless" {
				continue
			}
			if service[part] == "" {
				t.Errorf("%s: whose permissions does %s need?", name, resource)
			}
			needed = append(needed, service[part])
		}
	}
	for _, want := range needed {
		if !slices.ContainsFunc(policy.Actions(), func(action string) bool { return strings.HasPrefix(action, want+":") }) {
			t.Errorf("docs/policies/deploy.json allows nothing of %s", want)
		}
	}
}

// TestNobodyMayDoEverything: a policy names its actions, and only who deploys has
// patterns of them; whoever watches reads no person's address and no secret.
func TestNobodyMayDoEverything(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"watch", "operate", "export", "recover", "deploy"} {
		policy, err := template.ReadPolicy(who)
		if err != nil {
			t.Fatal(err)
		}
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
		if policy.Size > 6144 {
			t.Errorf("docs/policies/%s.json has %d characters, and IAM takes a managed policy of 6,144", who, policy.Size)
		}
		for _, action := range policy.Actions() {
			if action == "*" || strings.Contains(action, "*") && who != "deploy" {
				t.Errorf("%s may do %s", who, action)
			}
			if who == "watch" && (strings.HasPrefix(action, "secretsmanager:") || action == "dynamodb:Scan" || action == "dynamodb:Query" || strings.HasSuffix(action, "Item") && !strings.Contains(action, "Get")) {
				t.Errorf("who watches may do %s", action)
			}
		}
	}
}
