//go:build deploy

package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"gopkg.in/yaml.v3"

	"raincheck/test/template"
)

// fragment has a distribution that belongs to a CloudFormation stack of the site's
// own: attach prints the fragment, its owner puts it into the stack's template and
// deploys it, first in raincheck's region and then in another one, where the secret
// has to be replicated first.
func (s *stack) fragment() {
	s.Helper()
	was := s.edge.distribution
	defer func() { s.edge.distribution = was }()
	for _, at := range []string{region, "us-east-1"} {
		name := "raincheck-site"
		text, err := os.ReadFile(filepath.Join(s.folder, template.Site))
		s.must(err)
		outputs := s.site(name, at, string(text))
		printed := s.raincheck("attach", "--distribution-id", outputs["DistributionId"], "--host", host, "--paths", "/apply*", "--print", "cloudformation")
		// The emulator gives a secret's name where AWS gives the ARN of Ref, in the output
		// and so in the fragment.
		secret, err := secretsmanager.NewFromConfig(s.cfg).DescribeSecret(s.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String(s.outputs["OriginSecretArn"])})
		s.must(err)
		printed = strings.NewReplacer(s.outputs["OriginSecretArn"], *secret.ARN, "the stack's region", region).Replace(printed)
		printed = strings.ReplaceAll(printed, "secretsmanager:"+*secret.ARN, "secretsmanager:"+strings.Replace(*secret.ARN, ":"+region+":", ":"+at+":", 1))
		if at != region {
			s.replicate(printed, *secret.ARN, at)
		}
		merged := merge(s, string(text), printed)
		s.site(name, at, merged)
		s.edge.distribution = outputs["DistributionId"]
		s.raincheck("hold", "--apply")
		newcomer := s.person("of the fragment in " + at)
		if newcomer.visits("/apply/form") {
			s.Errorf("%s: somebody new is let in, in hold", at)
		}
		if status, _, page := newcomer.ask("GET", newcomer.room, nil); status != 200 || !strings.Contains(page, "<form") {
			s.Errorf("%s: the waiting room answers %d: has the distribution the secret? %.300s", at, status, page)
		}
		again := s.raincheck("attach", "--distribution-id", outputs["DistributionId"], "--host", host, "--paths", "/apply*")
		if steps := regexp.MustCompile(`(?m)^  [-+~] .*$`).FindAllString(again, -1); len(steps) != 1 || !strings.HasSuffix(steps[0], "its note of what attach added") {
			s.Errorf("%s: attach would change what the fragment made:\n%s", at, again)
		}
		s.remove(name, at)
	}
}

// site deploys a template of the site's own stack, as who owns it, and gives its outputs.
func (s *stack) site(name, at, text string) map[string]string {
	s.Helper()
	cfg := s.cfg.Copy()
	cfg.Region = at
	client := cloudformation.NewFromConfig(cfg)
	given := map[string]string{"SiteHost": host, "OriginDomain": "origin.example.net", "CertificateArn": "arn:aws:acm:us-east-1:" + account + ":certificate/12345678-1234-1234-1234-123456789012"}
	var parameters []types.Parameter
	for key, value := range given {
		parameters = append(parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
	}
	if _, err := client.DescribeStacks(s.Context(), &cloudformation.DescribeStacksInput{StackName: &name}); err != nil {
		_, err = client.CreateStack(s.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &text, Parameters: parameters})
		s.must(err)
	} else {
		_, err = client.UpdateStack(s.Context(), &cloudformation.UpdateStackInput{StackName: &name, TemplateBody: &text, Parameters: parameters})
		s.must(err)
	}
	return s.complete(client, name)
}

// complete waits until a stack stands, and gives its outputs.
func (c *cloud) complete(client *cloudformation.Client, name string) map[string]string {
	c.Helper()
	outputs := map[string]string{}
	c.until(60*time.Second, name+" is complete", func() bool {
		about, err := client.DescribeStacks(c.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		c.must(err)
		status := string(about.Stacks[0].StackStatus)
		if strings.Contains(status, "ROLLBACK") || strings.HasSuffix(status, "FAILED") {
			c.Fatalf("%s is at %s: %s\n%s", name, status, aws.ToString(about.Stacks[0].StackStatusReason), c.log.Tail(10))
		}
		for _, o := range about.Stacks[0].Outputs {
			outputs[*o.OutputKey] = aws.ToString(o.OutputValue)
		}
		return strings.HasSuffix(status, "_COMPLETE")
	})
	return outputs
}

// replicate does what the fragment says of another region, by its own words.
func (s *stack) replicate(printed, arn, to string) {
	s.Helper()
	line := regexp.MustCompile(`aws secretsmanager replicate-secret-to-regions .*--secret-id (\S+) --add-replica-regions Region=REGION`).FindStringSubmatch(printed)
	if line == nil || line[1] != arn {
		s.Fatalf("the fragment does not say how to have the secret in another region:\n%s", printed)
	}
	folder := filepath.Join(s.root, "test/deploy/.venv/bin")
	command := strings.Fields(strings.Replace(line[0], "Region=REGION", "Region="+to, 1))
	s.run(s.scratch, 0, s.environ(), filepath.Join(folder, command[0]), command[1:]...)
}

// merge puts the fragment where its comments say.
func merge(s *stack, text, printed string) string {
	s.Helper()
	var stack, fragment yaml.Node
	s.must(yaml.Unmarshal([]byte(text), &stack))
	s.must(yaml.Unmarshal([]byte(printed), &fragment))
	config := template.Get(stack.Content[0], "Resources", "Distribution", "Properties", "DistributionConfig")
	part := fragment.Content[0]
	origins := template.Get(config, "Origins")
	origins.Content = append(origins.Content, template.Get(part, "Origins").Content...)
	behaviours := template.Get(part, "CacheBehaviors")
	// "the behaviour /apply*, after the others: a copy of the default behaviour, …"
	for _, copied := range regexp.MustCompile(`# the behaviour (\S+), after the others: a copy of the default behaviour`).FindAllStringSubmatch(printed, -1) {
		var behaviour yaml.Node
		body, err := yaml.Marshal(template.Get(config, "DefaultCacheBehavior"))
		s.must(err)
		s.must(yaml.Unmarshal([]byte(fmt.Sprintf("PathPattern: %q\n%s", copied[1], body)), &behaviour))
		name := yaml.Node{Kind: yaml.ScalarNode, Value: "FunctionAssociations"}
		behaviour.Content[0].Content = append(behaviour.Content[0].Content, &name, template.Get(part, name.Value))
		behaviours.Content = append(behaviours.Content, behaviour.Content[0])
	}
	if len(behaviours.Content) != 3 {
		s.Fatalf("the fragment does not say of which behaviour /apply* is a copy:\n%s", printed)
	}
	config.Content = append(config.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "CacheBehaviors"}, behaviours)
	merged, err := yaml.Marshal(&stack)
	s.must(err)
	return string(merged)
}
