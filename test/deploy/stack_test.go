//go:build deploy

package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"gopkg.in/yaml.v3"

	"raincheck/test/template"
)

// stack is a deployed stack.
type stack struct {
	*cloud
	name string
	// outputs are the stack's, ids the physical ids of its resources.
	outputs, ids map[string]string
	// minute is the minute of the last tick.
	minute time.Time
	// people is how many the site's own metric says are on it, of 1,000.
	people float64
	edge   *edgeOf
	tool   string
	// emergency is the aws command that doctor printed.
	emergency string
	// sessions says that people bear large cookies of the site's own.
	sessions bool
	// pumped says until when the log groups were read.
	pumped map[string]int64
	// byRoot says that its commands run with every permission: the policies are for
	// stacks named raincheck, and for this version's commands.
	byRoot bool
}

// build builds a tree of the repository with SAM, and its tool.
func (c *cloud) build(tree string) (tool string) {
	c.Helper()
	env := c.environ("SAM=" + filepath.Join(c.root, "test/sam/.venv/bin/sam"))
	c.run(tree, 0, env, "make", "build", "ARCHITECTURE="+architecture(), "SAM="+filepath.Join(c.root, "test/sam/.venv/bin/sam"), "CFN_LINT="+filepath.Join(c.root, "test/sam/.venv/bin/cfn-lint"))
	tool = filepath.Join(c.T.TempDir(), "raincheck")
	c.run(tree, 0, env, "go", "build", "-o", tool, "./cmd/raincheck")
	return tool
}

// architecture is this machine's, in Lambda's words: the emulator starts the
// programs as they are.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// deploy deploys what was built in a tree by the repository's samconfig.toml, as who
// has docs/policies/deploy.json where the stack's name is one that it is for.
func (c *cloud) deploy(tree, name, tool string, parameters ...string) *stack {
	c.Helper()
	args := append([]string{"deploy", "--stack-name", name, "--no-confirm-changeset", "--region", region, "--parameter-overrides", "Architecture=" + architecture()}, parameters...)
	s := &stack{cloud: c, name: name, tool: tool, byRoot: !strings.HasPrefix(name, "raincheck"), pumped: map[string]int64{}, people: 1500}
	c.run(tree, 0, c.environ(s.who("deploy").environ()...), filepath.Join(c.root, "test/sam/.venv/bin/sam"), args...)
	s.minute = time.Now().UTC().Add(-30 * time.Second).Truncate(time.Second)
	s.read()
	return s
}

// read reads what the stack has.
func (s *stack) read() {
	s.Helper()
	client := cloudformation.NewFromConfig(s.cfg)
	about, err := client.DescribeStacks(s.Context(), &cloudformation.DescribeStacksInput{StackName: &s.name})
	s.must(err)
	if status := about.Stacks[0].StackStatus; status != types.StackStatusCreateComplete && status != types.StackStatusUpdateComplete {
		s.Fatalf("the stack %s is at %s", s.name, status)
	}
	s.outputs, s.ids = map[string]string{}, map[string]string{}
	for _, o := range about.Stacks[0].Outputs {
		s.outputs[*o.OutputKey] = aws.ToString(o.OutputValue)
	}
	s.mu.Lock()
	s.stores[s.name+"-throttle"] = s.outputs["EdgeStoreArn"]
	s.mu.Unlock()
	resources, err := client.DescribeStackResources(s.Context(), &cloudformation.DescribeStackResourcesInput{StackName: &s.name})
	s.must(err)
	for _, r := range resources.StackResources {
		s.ids[*r.LogicalResourceId] = aws.ToString(r.PhysicalResourceId)
	}
}

// deployEdge deploys edge.yaml, in us-east-1.
func (s *stack) deployEdge(tree string) {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(tree, template.Edge))
	s.must(err)
	var doc yaml.Node
	s.must(yaml.Unmarshal(text, &doc))
	withoutMetricMath(doc.Content[0])
	text, err = yaml.Marshal(&doc)
	s.must(err)
	cfg := s.who("deploy").config(s.cfg)
	cfg.Region = "us-east-1"
	client := cloudformation.NewFromConfig(cfg)
	name := s.name + "-edge"
	parameters := []types.Parameter{{ParameterKey: aws.String("Stack"), ParameterValue: &s.name}}
	if _, err := client.DescribeStacks(s.Context(), &cloudformation.DescribeStacksInput{StackName: &name}); err != nil {
		_, err = client.CreateStack(s.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(string(text)), Parameters: parameters})
		s.must(err)
	} else {
		_, err = client.UpdateStack(s.Context(), &cloudformation.UpdateStackInput{StackName: &name, TemplateBody: aws.String(string(text)), Parameters: parameters})
		s.must(err)
	}
	s.complete(client, name)
}

// remove deletes the stack and waits until it is gone.
func (s *stack) remove(name, region string) {
	s.Helper()
	who := s.who("deploy")
	if !strings.HasPrefix(name, s.name) {
		who = user{} // another stack
	}
	cfg := who.config(s.cfg)
	cfg.Region = region
	client := cloudformation.NewFromConfig(cfg)
	_, err := client.DeleteStack(s.Context(), &cloudformation.DeleteStackInput{StackName: &name})
	s.must(err)
	s.until(90*time.Second, name+" is deleted", func() bool {
		about, err := client.DescribeStacks(s.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		if err == nil && len(about.Stacks) > 0 && about.Stacks[0].StackStatus == types.StackStatusDeleteFailed {
			s.Fatalf("%s is at %s: %s", name, about.Stacks[0].StackStatus, aws.ToString(about.Stacks[0].StackStatusReason))
		}
		return err != nil || len(about.Stacks) == 0 || about.Stacks[0].StackStatus == types.StackStatusDeleteComplete
	})
}

// raincheck runs the tool for this stack, as who has the policy for the command.
func (s *stack) raincheck(args ...string) string {
	s.Helper()
	return s.fails(0, args...)
}

// fails runs the tool and expects an exit status.
func (s *stack) fails(status int, args ...string) string {
	s.Helper()
	return s.by(s.who(args[0]), status, args...)
}

// by runs the tool as somebody, and expects an exit status.
func (s *stack) by(who user, status int, args ...string) string {
	s.Helper()
	return s.run(s.scratch, status, s.environ(append(who.environ(), "RAINCHECK_STACK="+s.name, "RAINCHECK_POLL=50ms", "RAINCHECK_SPREAD=1ms")...), s.tool, args...)
}

// report is what a tick answers.
type report struct {
	Tick    time.Time `json:"tick"`
	Skipped string    `json:"skipped"`
	Mode    string    `json:"mode"`
	Admit   float64   `json:"admit"`
	Waiting int       `json:"waiting"`
	Claimed int       `json:"claimed"`
	Load    float64   `json:"load"`
	Because string    `json:"because"`
}

// tick invokes the inviter for a newer time, as the schedule does.
func (s *stack) tick() report {
	s.Helper()
	// Newer than the last one is enough, and far ahead of the clock it may not be.
	s.minute = s.minute.Add(5 * time.Second)
	if now := time.Now().UTC().Truncate(time.Second); now.Sub(s.minute) > 45*time.Second {
		s.minute = now.Add(-30 * time.Second) // the version before drops what is a minute late
	}
	s.load(s.people, s.minute)
	event, err := json.Marshal(map[string]any{"scheduled": s.minute})
	s.must(err)
	out, err := lambda.NewFromConfig(s.cfg).Invoke(s.Context(), &lambda.InvokeInput{FunctionName: aws.String(s.ids["InviterFunction"]), Payload: event})
	s.must(err)
	if out.FunctionError != nil {
		s.Fatalf("the tick of %s ended with an error: %s", s.minute, out.Payload)
	}
	var r report
	s.must(json.Unmarshal(out.Payload, &r))
	if r.Skipped != "" {
		s.Fatalf("the tick of %s was skipped: %s", s.minute, r.Skipped)
	}
	s.pump()
	if testing.Verbose() {
		s.Logf("%s: the tick of %s: %s, %g let in, load %g, %d waiting, %d claimed; %s", s.name, r.Tick.Format("15:04"), r.Mode, r.Admit, r.Load, r.Waiting, r.Claimed, r.Because)
	}
	return r
}

// functions are the log groups of the stack's functions.
func (s *stack) logGroups() (groups []string) {
	for logical, id := range s.ids {
		if strings.HasSuffix(logical, "Logs") {
			groups = append(groups, id)
		}
	}
	slices.Sort(groups)
	return groups
}

func arnOfFunction(name string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", region, account, name)
}
