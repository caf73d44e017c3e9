//go:build runbook

package runbook

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"raincheck/test/template"
)

const root = "../.."

// awsCLI is version 2 of the AWS CLI: the one that AWS's own documents install,
// and the one whose parameters the documents show.
func awsCLI(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("AWS_CLI"), "/usr/bin/aws", "aws"} {
		if name == "" {
			continue
		}
		if version, err := exec.Command(name, "--version").CombinedOutput(); err == nil && strings.HasPrefix(string(version), "aws-cli/2.") {
			return name
		}
	}
	t.Fatal("finding AWS CLI v2: there is none; apt-get install awscli, or name it in AWS_CLI")
	return ""
}

// TestTheCLIKnowsEveryCommandOfTheDocuments runs each aws command of the
// documents against a port on which nothing listens. One that the CLI cannot
// parse ends with status 252; one that it can parse does not find the service.
func TestTheCLIKnowsEveryCommandOfTheDocuments(t *testing.T) {
	t.Parallel()
	cli := awsCLI(t)
	n := 0
	for _, file := range documents(t) {
		for _, args := range commands(t, file) {
			n++
			t.Run(filepath.Base(file)+"/"+strings.Join(args[:min(2, len(args))], " "), func(t *testing.T) {
				t.Parallel()
				status, said := run(t, cli, args)
				if status == 252 || status == 0 || strings.Contains(said, "Parameter validation failed") || strings.Contains(said, "Error parsing parameter") {
					t.Errorf("aws %s\nstatus %d: %s", strings.Join(args, " "), status, said)
				}
			})
		}
	}
	if n < 20 {
		t.Errorf("the documents show %d aws commands: does this test still find them?", n)
	}
}

// nobodys are commands that no policy of docs/policies is for.
var nobodys = map[string]string{
	"iam:CreatePolicy":                               "an administrator's",
	"ce:GetCostAndUsage":                             "for who may see the bill",
	"service-quotas:RequestServiceQuotaIncrease":     "an administrator's",
	"secretsmanager:CreateSecret of raincheck-relay": "for whose relay it is",
	"dynamodb:ListBackups":                           "after the stack is gone: an administrator's",
}

// notOperators are the runbook's commands that it gives to who has deploy.json.
var notOperators = map[string]bool{"cloudformation:CreateChangeSet": true, "cloudformation:UpdateTerminationProtection": true, "cloudformation:DeleteStack": true}

// TestSomebodyMayDoEachCommand: for each aws command of the documents a policy of
// docs/policies allows its action, or it is said whose it is. Those of the runbook
// are for who has operate.json, but for notOperators.
func TestSomebodyMayDoEachCommand(t *testing.T) {
	t.Parallel()
	var policies []template.Policy
	for _, who := range []string{"deploy", "operate", "watch", "export", "recover"} {
		policy, err := template.ReadPolicy(who)
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, policy)
	}
	used := map[string]bool{}
	for _, file := range documents(t) {
		for _, args := range commands(t, file) {
			action := permission(args)
			if _, ok := nobodys[action]; ok {
				used[action] = true
				continue
			}
			if filepath.Base(file) == "operating.md" && !notOperators[action] && !policies[1].Allows(action) {
				t.Errorf("%s: operate.json does not allow aws %s (%s)", filepath.Base(file), strings.Join(args[:2], " "), action)
			}
			if !slices.ContainsFunc(policies, func(p template.Policy) bool { return p.Allows(action) }) {
				t.Errorf("%s: no policy of docs/policies allows aws %s (%s)", filepath.Base(file), strings.Join(args[:2], " "), action)
			}
		}
	}
	for action := range nobodys {
		if !used[action] {
			t.Errorf("no document shows a command for %s", action)
		}
	}
}

// permission is IAM's name for what a command of the AWS CLI asks.
func permission(args []string) string {
	service, operation := args[0], args[1]
	switch special := service + " " + operation; special {
	case "cloudformation deploy":
		return "cloudformation:CreateChangeSet"
	case "lambda invoke":
		return "lambda:InvokeFunction"
	case "logs tail":
		return "logs:FilterLogEvents"
	case "dynamodb wait":
		return "dynamodb:DescribeTable"
	case "secretsmanager create-secret":
		return "secretsmanager:CreateSecret of " + args[slices.Index(args, "--name")+1]
	}
	var name strings.Builder
	for word := range strings.SplitSeq(operation, "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return strings.TrimSuffix(service, "v2") + ":" + name.String()
}

// TestACommandThatIsWrongIsFound: the check above can fail.
func TestACommandThatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	cli := awsCLI(t)
	for _, args := range [][]string{
		{"sqs", "purge-queue", "--queue-link", "x"},
		{"sqs", "purge-the-queue", "--queue-url", "x"},
		{"cloudfront-keyvaluestore", "put-key", "--kvs-arn", "x"},
	} {
		if status, said := run(t, cli, args); status != 252 {
			t.Errorf("aws %s: status %d, %s", strings.Join(args, " "), status, said)
		}
	}
}

// run runs a command where it can reach nothing.
func run(t *testing.T, cli string, args []string) (status int, said string) {
	t.Helper()
	cmd := exec.Command(cli, append(args, "--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:1")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode(), out.String()
	case err != nil:
		t.Fatal(err)
	}
	return 0, out.String()
}

var (
	span  = regexp.MustCompile("(?s)`(aws [^`]+)`")
	space = regexp.MustCompile(`\s+`)
)

// documents are all that show commands.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	return append(files, filepath.Join(root, "README.md"))
}

// commands finds the aws commands of a document, in its indented blocks and
// between backticks. What the shell would fill in is filled with a value of the
// kind that the command wants.
func commands(t *testing.T, file string) (all [][]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	var block strings.Builder
	for line := range strings.Lines(string(text) + "\n") {
		if strings.HasPrefix(line, "    ") {
			block.WriteString(strings.TrimLeft(line, " "))
			continue
		}
		if strings.Contains(block.String(), "aws ") {
			blocks = append(blocks, block.String())
		}
		block.Reset()
	}
	for _, m := range span.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, space.ReplaceAllString(m[1], " "))
	}
	for _, b := range blocks {
		// A command cut short in a sentence, such as "aws … list-keys", is not one.
		if strings.Contains(b, "…") {
			continue
		}
		parsed, err := syntax.NewParser().Parse(strings.NewReader(b), file)
		if err != nil {
			// A paragraph that goes on a list item looks like a block.
			t.Logf("%s: not a shell command: %v", file, err)
			continue
		}
		syntax.Walk(parsed, func(node syntax.Node) bool {
			call, ok := node.(*syntax.CallExpr)
			if !ok || len(call.Args) < 3 || call.Args[0].Lit() != "aws" {
				return true
			}
			var args []string
			for i, word := range call.Args[1:] {
				previous := ""
				if i > 0 {
					previous = args[i-1]
				}
				args = append(args, value(t, word, previous))
			}
			// Without a flag it is the name of an operation, and not a command to type.
			if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--") }) {
				all = append(all, args)
			}
			return true
		})
	}
	return all
}

// value is a word as the shell would hand it over, with a stand-in for what it
// would fill in.
func value(t *testing.T, word *syntax.Word, flag string) string {
	t.Helper()
	filled := standIn(flag)
	text, err := expand.Literal(&expand.Config{
		Env: expand.FuncEnviron(func(string) string { return filled }),
		CmdSubst: func(w io.Writer, _ *syntax.CmdSubst) error {
			_, err := io.WriteString(w, filled)
			return err
		},
	}, word)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// standIn is a value of the kind that a flag wants.
func standIn(flag string) string {
	switch {
	case strings.Contains(flag, "time"):
		return "2026-11-25T11:40:00Z"
	case flag == "--payload":
		return `{}`
	case flag == "--item":
		return `{"id":{"S":"x"}}`
	}
	return "1"
}
