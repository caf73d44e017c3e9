//go:build deploy

package deploy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"raincheck/test/template"
)

// user is somebody with a policy of docs/policies and nothing else.
type user struct{ key, secret string }

// environ is what a program acts as the user by; empty for nobody, the account's
// root user.
func (u user) environ() []string {
	if u.key == "" {
		return nil
	}
	return []string{"AWS_ACCESS_KEY_ID=" + u.key, "AWS_SECRET_ACCESS_KEY=" + u.secret}
}

// config is the same for a client within this test.
func (u user) config(cfg aws.Config) aws.Config {
	cfg = cfg.Copy()
	if u.key != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(u.key, u.secret, "")
	}
	return cfg
}

// whose are the commands that the operator's policy is not for.
var whose = map[string]string{
	"deploy": "deploy", "status": "watch", "export": "export", "import": "export", "forget": "export", "release": "recover", "restore": "recover",
}

// who has the policy for a command.
func (s *stack) who(command string) user {
	if s.byRoot {
		return user{}
	}
	return s.users[cmp.Or(whose[command], "operate")]
}

// hire makes a user for each policy of docs/policies, with a managed policy of its
// very text, as docs/deploying.md says.
func (c *cloud) hire() {
	c.Helper()
	files, err := filepath.Glob(filepath.Join(template.Root(), "docs", "policies", "*.json"))
	c.must(err)
	for _, file := range files {
		who := strings.TrimSuffix(filepath.Base(file), ".json")
		text, err := os.ReadFile(file)
		c.must(err)
		arn := "arn:aws:iam::" + account + ":policy/raincheck-" + who
		c.iam(nil, "CreateUser", "UserName", who)
		c.iam(nil, "CreatePolicy", "PolicyName", "raincheck-"+who, "PolicyDocument", string(text))
		c.iam(nil, "AttachUserPolicy", "UserName", who, "PolicyArn", arn)
		if otherwise := c.differently(text); otherwise != "" {
			c.iam(nil, "PutUserPolicy", "UserName", who, "PolicyName", "emulator", "PolicyDocument", otherwise)
		}
		var made struct {
			Key    string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
			Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
		}
		c.iam(&made, "CreateAccessKey", "UserName", who)
		c.users[who] = user{made.Key, made.Secret}
	}
}

// unnamed are actions for which the emulator finds no resource, and AWS one.
var unnamed = []string{
	"cloudfront-keyvaluestore:DescribeKeyValueStore", "cloudfront-keyvaluestore:GetKey", "cloudfront-keyvaluestore:UpdateKeys",
	"cloudfront:DescribeFunction", "cloudfront:GetCachePolicy", "cloudfront:GetFunction", "cloudfront:ListTagsForResource", "cloudfront:TestFunction",
	"dynamodb:RestoreTableToPointInTime", "logs:DescribeLogGroups",
}

// differently is what a policy says, in the emulator's words where these are not
// AWS's: for actions without a resource, for secrets, whose name it begins with the
// stack's, and for messages that are sent by tens.
func (c *cloud) differently(policy []byte) string {
	c.Helper()
	type statement struct {
		Effect   string
		Action   []string
		Resource any
	}
	var document struct {
		Version   string
		Statement []statement
	}
	c.must(json.Unmarshal(bytes.ReplaceAll(policy, []byte(":secret:"), []byte(":secret:raincheck-")), &document))
	without := statement{Effect: "Allow", Resource: "*"}
	said := document.Statement
	document.Statement = nil
	for _, s := range said {
		for _, action := range s.Action {
			if slices.Contains(unnamed, action) {
				without.Action = append(without.Action, action)
			}
		}
		switch {
		case strings.HasPrefix(s.Action[0], "secretsmanager:"):
			document.Statement = append(document.Statement, s)
		case slices.Contains(s.Action, "sqs:SendMessage"):
			document.Statement = append(document.Statement, statement{"Allow", []string{"sqs:SendMessageBatch"}, s.Resource})
		}
	}
	if without.Action != nil {
		document.Statement = append(document.Statement, without)
	}
	if document.Statement == nil {
		return ""
	}
	text, err := json.Marshal(document)
	c.must(err)
	return string(text)
}

// iam asks IAM, with pairs of names and values.
func (c *cloud) iam(out any, action string, pairs ...string) {
	c.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	var text []byte
	c.must(c.ask("iam", "us-east-1", "POST", "/", "", form, &text))
	if out != nil {
		c.must(xml.Unmarshal(text, out))
	}
}
