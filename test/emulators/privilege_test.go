//go:build emulators

package emulators_test

import (
	"encoding/json"
	netmail "net/mail"
	"net/url"
	"strings"
	"testing"

	"raincheck/test/emulators"
	"raincheck/test/template"
)

// notOurs are permissions that no function of ours uses by itself, and who does.
var notOurs = map[string]string{
	"intake logs:CreateLogStream IntakeLogs":          "Lambda, for what the function prints",
	"intake logs:PutLogEvents IntakeLogs":             "Lambda, for what the function prints",
	"inviter logs:CreateLogStream InviterLogs":        "Lambda, for what the function prints",
	"inviter logs:PutLogEvents InviterLogs":           "Lambda, for what the function prints",
	"sender logs:CreateLogStream SenderLogs":          "Lambda, for what the function prints",
	"sender logs:PutLogEvents SenderLogs":             "Lambda, for what the function prints",
	"feedback logs:CreateLogStream FeedbackLogs":      "Lambda, for what the function prints",
	"feedback logs:PutLogEvents FeedbackLogs":         "Lambda, for what the function prints",
	"smoke logs:CreateLogStream SmokeLogs":            "Lambda, for what the function prints",
	"smoke logs:PutLogEvents SmokeLogs":               "Lambda, for what the function prints",
	"sender sqs:ReceiveMessage MailQueue":             "Lambda's poller, in the function's name",
	"sender sqs:DeleteMessage MailQueue":              "Lambda's poller, in the function's name",
	"sender sqs:GetQueueAttributes MailQueue":         "Lambda's poller, in the function's name",
	"sender secretsmanager:GetSecretValue SmtpSecret": "the sender with Mailer=smtp; here it mails by SES",
	"feedback sqs:SendMessage FeedbackDeadLetters":    "Lambda, for an event that failed three times",
}

// leastPrivilege lives a story that uses all that the functions can do, and holds
// what went over the wire against the roles of the template: nothing is asked for
// that is not permitted, and nothing is permitted that is not asked for.
func (c *cloud) leastPrivilege(t *testing.T) {
	w := c.newWorld(t)
	w.join()
	w.minute()
	w.work()
	got := w.mails()[0]
	w.hear(got, "Delivery", "{}")
	w.redeem(got)
	// Somebody leaves, somebody bounces, and a stranger comes by the side door, for
	// whom the value of the header before the last rotation is looked up.
	w.hear(got, "Bounce", `{"bounceType":"Permanent"}`)
	leave := strings.TrimSuffix(strings.TrimPrefix(got.header("List-Unsubscribe"), "<https://"+siteHost), ">")
	if page, err := w.visit("POST", leave, url.Values{"List-Unsubscribe": {"One-Click"}}); err != nil || page.StatusCode != 200 {
		t.Fatalf("leaving: %d %v", page.StatusCode, err)
	}
	if page, err := w.visit("POST", leave, url.Values{}); err != nil || page.StatusCode != 200 {
		t.Fatalf("giving the turn up: %d %v", page.StatusCode, err)
	}
	w.origin = "a guess"
	if page, err := w.visit("GET", "/waiting-room/en/", nil); err != nil || page.StatusCode != 403 {
		t.Fatalf("the side door: %d %v", page.StatusCode, err)
	}

	for _, function := range emulators.Functions() {
		w.role(function)
	}
}

// role holds what a function asked for against its role in the template.
func (w *world) role(function string) {
	w.Helper()
	tmpl, err := template.Read(template.Main)
	w.must(err)
	asked := map[string]bool{}
	for _, call := range w.wires[function].Calls() {
		for _, need := range w.needs(call) {
			asked[function+" "+need] = true
		}
	}
	permitted := map[string]bool{}
	for _, p := range tmpl.Permissions(strings.ToUpper(function[:1]) + function[1:] + "Role") {
		permission := function + " " + p.Action + " " + resource(p.Resource)
		if p.Action == "ses:SendEmail" && p.Condition != "StringEquals ses:FromAddress FromAddress" {
			w.Errorf("the sender may write as others too: its condition is %q", p.Condition)
		}
		permitted[permission] = true
		if _, ok := notOurs[permission]; !ok && !asked[permission] {
			w.Errorf("permitted and never asked for: %s (%s)", permission, p.Sid)
		}
	}
	for need := range asked {
		if !permitted[need] {
			w.Errorf("asked for and not permitted: %s", need)
		}
	}
	for permission := range notOurs {
		if strings.HasPrefix(permission, function+" ") && (!permitted[permission] || asked[permission]) {
			w.Errorf("the exception %q is none", permission)
		}
	}
}

// needs says which permissions a call needs, in the names of the template.
func (w *world) needs(c emulators.Call) []string {
	w.Helper()
	names := map[string]string{}
	for logical, value := range w.physical {
		names[value] = logical
		names[value[strings.LastIndexByte(value, '/')+1:]] = logical // a queue's name, of its URL
	}
	switch {
	case c.Resource == "":
		return []string{c.Action + " *"}
	case c.Action == "ses:SendEmail":
		var sent struct{ FromEmailAddress string }
		w.must(json.Unmarshal([]byte(c.Body), &sent))
		if a, err := netmail.ParseAddress(sent.FromEmailAddress); err != nil || a.Address != from {
			w.Errorf("a mail was written by %q", sent.FromEmailAddress)
		}
		return []string{c.Action + " identity", c.Action + " " + names[c.Resource]}
	case strings.HasPrefix(c.Action, "dynamodb:"):
		name, index, _ := strings.Cut(c.Resource, "/")
		if name != w.physical["Table"] {
			return []string{c.Action + " of the table " + name}
		}
		return []string{strings.TrimSuffix(c.Action+" Table/"+index, "/")}
	case names[c.Resource] == "":
		return []string{c.Action + " of " + c.Resource}
	}
	return []string{c.Action + " " + names[c.Resource]}
}

// resource is a resource as the template has it, in the words of needs.
func resource(reference string) string {
	switch {
	case reference == "*":
		return "*"
	case strings.HasSuffix(reference, "/index/line"):
		return template.Logical(reference) + "/line"
	case strings.HasSuffix(reference, "identity/*"):
		return "identity"
	case strings.HasSuffix(reference, "configuration-set/${MailSet}"):
		return "MailSet"
	}
	return template.Logical(reference)
}
