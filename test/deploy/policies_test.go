//go:build deploy

package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// notAllowed is how the tool begins what IAM refuses.
const notAllowed = "the credentials may not do this"

// refusals holds that a policy allows what it is for and nothing beyond. The rest
// of the walk shows that it allows enough: each of its commands is run by the user
// whose policy it is.
func (s *stack) refusals(second *stack) {
	s.Helper()
	before := s.raincheck("status", "--json")
	for _, c := range []struct {
		who     string
		on      *stack
		command []string
	}{
		{"watch", s, []string{"hold", "--apply"}},
		{"watch", s, []string{"open"}},
		{"watch", s, []string{"invite", "1", "--apply"}},
		{"watch", s, []string{"export"}},
		{"watch", s, []string{"rotate", "--apply"}},
		{"export", s, []string{"hold", "--apply"}},
		{"operate", s, []string{"export"}},
		{"operate", s, []string{"release", "--reason", "bounce", "--since", "2026-01-01T00:00:00Z", "--apply"}},
		{"deploy", s, []string{"export"}},
		// Of a store at the edge no ARN names the stack: docs/deploying.md says how to
		// bind the policy to one. The rest of another stack is out of reach.
		{"operate", second, []string{"pause", "--apply"}},
	} {
		if said := c.on.by(s.users[c.who], 1, c.command...); !strings.Contains(said, notAllowed) {
			s.Errorf("%s by who has %s.json, on the stack %s: it is not said that this is not allowed:\n%s", c.command[0], c.who, c.on.name, said)
		}
	}
	if after := s.raincheck("status", "--json"); mode(after) != mode(before) {
		s.Errorf("a switch that was refused has an effect: before\n%s\nafter\n%s", before, after)
	}
	// Whoever watches may ask the doctor, and learns all that needs no secret.
	for _, f := range s.doctor(s.users["watch"]).Findings {
		if denied, secret := strings.Contains(f.Says, notAllowed), slices.Contains([]string{"edge-run", "distribution"}, f.Check); denied != secret {
			s.Errorf("who watches asks the doctor: denied %t, needs a secret %t: %s: %s", denied, secret, f.Check, f.Says)
		}
	}
}

// mode is the line of status --json with the mode.
func mode(status string) string {
	for line := range strings.Lines(status) {
		if strings.Contains(line, `"mode"`) {
			return line
		}
	}
	return ""
}

// repairs are those of the runbook, by the users whose policies are for them.
func (s *stack) repairs() {
	s.Helper()
	ctx := s.Context()
	// Dead letters: one of feedback is played again, the mails' are thrown away.
	letters, mails := s.outputs["FeedbackDeadLettersUrl"], s.outputs["MailDeadLettersUrl"]
	text, err := os.ReadFile(filepath.Join(s.root, "events", "feedback-delivery.json"))
	s.must(err)
	for _, url := range []string{letters, mails} {
		_, err = sqs.NewFromConfig(s.cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: aws.String(string(text))})
		s.must(err)
	}
	operator := s.who("open").config(s.cfg)
	queue := sqs.NewFromConfig(operator)
	got, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &letters})
	s.must(err)
	if len(got.Messages) != 1 {
		s.Fatalf("%d dead letters, want the one that was put there", len(got.Messages))
	}
	out, err := lambda.NewFromConfig(operator).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(s.outputs["FeedbackFunctionName"]), Payload: []byte(*got.Messages[0].Body)})
	s.must(err)
	if out.FunctionError != nil {
		s.Errorf("a dead letter cannot be played again: %s", out.Payload)
	}
	_, err = queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &letters, ReceiptHandle: got.Messages[0].ReceiptHandle})
	s.must(err)
	_, err = queue.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &mails})
	s.must(err)

	// Suppressed by mistake. The emulator's SES puts nobody on its list.
	if said := s.raincheck("release", "--reason", "bounce", "--since", "2026-01-01T00:00:00Z", "--apply"); !strings.Contains(said, "0 of them are on SES's suppression list too") || !strings.Contains(said, "Released") {
		s.Errorf("nobody is released:\n%s", said)
	}

	// What the table has lost comes back from a point in time.
	kim := s.person("kim")
	s.raincheck("throttle", "--admit", "0", "--apply")
	kim.joins()
	table := s.outputs["TableName"]
	then := table + "-then"
	tables := dynamodb.NewFromConfig(s.who("restore").config(s.cfg))
	_, err = tables.RestoreTableToPointInTime(ctx, &dynamodb.RestoreTableToPointInTimeInput{SourceTableName: &table, TargetTableName: &then, UseLatestRestorableTime: aws.Bool(true)})
	s.must(err)
	s.raincheck("forget", kim.address, "--apply")
	if said := s.raincheck("restore", then); !strings.Contains(said, "It would put back 1") {
		s.Errorf("one entry is missing, and restore says:\n%s", said)
	}
	s.raincheck("restore", then, "--apply")
	if !strings.Contains(s.raincheck("export"), kim.address) {
		s.Error("what was lost is not back")
	}
	_, err = tables.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &then})
	s.must(err)
}
