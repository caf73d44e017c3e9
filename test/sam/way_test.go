//go:build sam

package sam

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
	"raincheck/test/template"
)

const (
	account  = template.Account
	region   = template.Region
	site     = "www.example.org"
	from     = "queue@example.org"
	who      = "jordan@example.com"
	balancer = "app/site/0123456789abcdef"
)

// parameters are the stack's that differ from the template's defaults.
var parameters = map[string]string{
	"Architecture": "x86_64", "SiteHost": site, "FromAddress": from, "MailIdentity": "example.org", "Smoke": "on",
	"LoadSource": "alb-connections", "LoadFull": "1000", "LoadResource": balancer,
}

// sesAccount is what GetAccount answers, with all that the stand-in insists on.
const sesAccount = `{"DedicatedIpAutoWarmupEnabled":false,"Details":{"AdditionalContactEmailAddresses":[],"ContactLanguage":"EN",
"MailType":"TRANSACTIONAL","ReviewDetails":{"CaseId":"1","Status":"GRANTED"},"UseCaseDescription":"invitations","WebsiteURL":"https://www.example.org"},
"EnforcementStatus":"HEALTHY","ProductionAccessEnabled":true,"SendingEnabled":true,
"SendQuota":{"Max24HourSend":50000,"MaxSendRate":14,"SentLast24Hours":12},"SuppressionAttributes":{"SuppressedReasons":["BOUNCE","COMPLAINT"]}}`

// TestTheWayOfAVisitor goes the whole way once: the form by the HTTP API, a tick
// that tells the edge and asks for the mail, the mail, what SES says of it, and
// the code back in. What is asserted is what arrived at the services.
func TestTheWayOfAVisitor(t *testing.T) {
	gateway := needed(t, "RAINCHECK_SAM_GATEWAY")
	serve := func(h http.Handler) int {
		l, err := net.Listen("tcp", gateway+":0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: h}
		go server.Serve(l)
		t.Cleanup(func() { server.Close() })
		return l.Addr().(*net.TCPAddr).Port
	}
	dynamo, moto := emulators.Dynalite(t, gateway), emulators.Moto(t, gateway)
	ses := emulators.SES(t, gateway, sesAccount)
	metrics, edge := &emulators.CloudWatch{}, &emulators.KeyValue{}
	for ago := range 10 {
		metrics.Put(emulators.Series("AWS/ApplicationELB", "ActiveConnectionCount", "LoadBalancer="+balancer), time.Now().Add(-time.Duration(ago+1)*time.Minute), 1300)
	}

	// What the template makes: the names that a template leaves to AWS are made here,
	// and everything else follows from its text.
	const name = "raincheck-sam"
	emulators.CreateTable(t, emulators.Config(dynamo.URL), name)
	store := table.New(emulators.Config(dynamo.URL), name)
	queues := sqs.NewFromConfig(emulators.Config(moto.URL))
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name + "-mails")})
	must(t, err)
	stack, err := emulators.Deploy(t.Context(), emulators.Config(moto.URL), name, parameters, map[string]string{"Table": name, "MailQueue": *queue.QueueUrl})
	must(t, err)
	origin, err := stack.Secret("OriginSecret")
	must(t, err)
	root, err := stack.Secret("KeysSecret")
	must(t, err)
	edge.ARN = stack.Outputs["EdgeStoreArn"]

	at := func(port int) string { return fmt.Sprintf("http://%s:%d", host, port) }
	s := newStage(t, gateway, moto.URL, stack, map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": at(dynamo.Port), "AWS_ENDPOINT_URL_SQS": at(moto.Port), "AWS_ENDPOINT_URL_SECRETS_MANAGER": at(moto.Port),
		"AWS_ENDPOINT_URL_SESV2": at(ses.Port), "AWS_ENDPOINT_URL_CLOUDWATCH": at(serve(metrics)),
		"AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE": at(serve(edge)),
	})
	keys, err := bypass.ParseKeyring([]byte(root))
	must(t, err)
	// The operator throttles, and asks for one invitation beside the law, which
	// gives none while the site is full.
	must(t, store.UpdateControl(t.Context(), func(c *waitlist.Control) error {
		c.Mode, c.Switched, c.InviteNow = gate.Throttle, time.Now(), 1
		return nil
	}))

	// The form, by sam local start-api.
	b := browser{T: t, base: s.api(), origin: origin}
	if got := b.do("GET", "/waiting-room/en/", nil, func(h http.Header) { h.Del("X-Raincheck-Origin") }); got.StatusCode != http.StatusForbidden {
		t.Errorf("who goes round the edge gets %d\n%s", got.StatusCode, got.body)
	}
	form := b.do("GET", "/waiting-room/en/?to=%2Fapply", nil)
	stamp := find(t, form.body, `name="?stamp"? value="?([^" >]+)`)
	joined := b.do("POST", "/waiting-room/en/?to=%2Fapply", url.Values{"email": {who}, "stamp": {stamp}, "note": {""}})
	if joined.StatusCode != http.StatusOK || !strings.Contains(joined.body, who) {
		t.Fatalf("the sign-up is answered %d\n%s", joined.StatusCode, joined.body)
	}
	key := keys.Mailbox(mailbox(t, who).Mailbox())
	entry := stands(t, store, key, waitlist.Waiting)
	if entry.Address.Reveal() != who || entry.Wanted != "/apply" || entry.Language != "en" {
		t.Errorf("the table has %+v", entry)
	}

	// A tick, by sam local invoke.
	var report inviter.Report
	tick := time.Now().UTC().Truncate(time.Second)
	s.invoke("InviterFunction", sample(t, "inviter-tick", map[string]string{"2026-03-02T16:05:00Z": tick.Format(time.RFC3339)}), &report)
	if report.Skipped != "" || report.Load < 0.9 {
		t.Errorf("the tick reports %+v", report)
	}
	stands(t, store, key, waitlist.Claimed)
	text, _ := edge.Value(gate.Key)
	g, err := gate.DecodeGate([]byte(text))
	if err != nil || g.Mode != gate.Throttle || !g.Until.After(tick) {
		t.Errorf("the edge is told %s (%v)", text, err)
	}
	if base, _ := edge.Value(gate.BaseKey); base == "" {
		t.Error("the edge has no base")
	}
	got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 10})
	if err != nil || len(got.Messages) != 1 || strings.Contains(*got.Messages[0].Body, "jordan") {
		t.Fatalf("the queue has %+v (%v); it was to hold one message, with no address", got, err)
	}

	// The mail.
	var batch events.SQSEvent
	must(t, json.Unmarshal(sample(t, "sender-batch", nil), &batch))
	batch.Records = batch.Records[:1]
	// Its slot is put off to the time when SAM will be ready, which may slip on a
	// busy machine; a mail half a minute late is given back to the line.
	var message waitlist.Message
	must(t, json.Unmarshal([]byte(*got.Messages[0].Body), &message))
	message.Slot = time.Now().Add(10 * time.Second)
	body, err := json.Marshal(message)
	must(t, err)
	batch.Records[0].Body = string(body)
	event, err := json.Marshal(batch)
	must(t, err)
	var answer events.SQSEventResponse
	s.invoke("SenderFunction", event, &answer)
	if len(answer.BatchItemFailures) != 0 {
		t.Errorf("to come again: %+v", answer)
	}
	entry = stands(t, store, key, waitlist.Invited)
	mail := sent(t, ses.URL)
	for header, want := range map[string]string{"List-Unsubscribe": "https://" + site + "/waiting-room/en/leave?t="} {
		if !strings.Contains(mail.header(header), want) {
			t.Errorf("the mail's %s is %q", header, mail.header(header))
		}
	}
	if !strings.Contains(mail.From, from) || strings.Join(mail.Destination.To, " ") != who || mail.Subject == "" {
		t.Errorf("the mail is from %q to %q, about %q", mail.From, mail.Destination.To, mail.Subject)
	}
	link := find(t, mail.Body.Text, `https://`+regexp.QuoteMeta(site)+`(/waiting-room/en/code\?c=\S+)`)
	if !strings.Contains(mail.Body.Text, entry.Code.String()) {
		t.Errorf("the mail does not say the code:\n%s", mail.Body.Text)
	}

	// The page of the link, by sam local invoke of the same function; and the code,
	// redeemed by the API.
	var shown events.APIGatewayV2HTTPResponse
	s.invoke("IntakeFunction", sample(t, "intake-code", map[string]string{"the origin secret of the sample events": origin}), &shown)
	if shown.StatusCode != http.StatusOK || !strings.Contains(shown.Body, "<button") {
		t.Errorf("the page of a code is %+v", shown)
	}
	in := b.do("POST", link, url.Values{})
	if in.StatusCode != http.StatusSeeOther || !strings.Contains(in.Header.Get("Location"), url.QueryEscape("/apply")) {
		t.Errorf("the code is answered %d and %s\n%s", in.StatusCode, in.Header.Get("Location"), in.body)
	}
	pass := ""
	for _, c := range in.Cookies() {
		if c.Name == bypass.CookieName {
			pass = c.Value
		}
	}
	if _, err := keys.VerifyPass(pass, time.Now()); err != nil {
		t.Errorf("the pass %q is not good: %v", pass, err)
	}
	stands(t, store, key, waitlist.Used)

	// What SES says of the mail afterwards.
	s.invoke("FeedbackFunction", sample(t, "feedback-complaint", map[string]string{
		`"ses:configuration-set": [
          "raincheck"
        ]`: `"ses:configuration-set": ["` + stack.Outputs["ConfigurationSet"] + `"]`,
		"JJUpaw4blWC-JshwPsTbtxqQtpF1": key, "54064": fmt.Sprint(entry.Joining),
	}), nil)
	if entry, err := store.Entry(t.Context(), key); err != nil || !entry.Suppressed {
		t.Errorf("after a complaint the entry is %+v (%v)", entry, err)
	}
	s.otherEvents(origin)
}

// config is the SDK's, for a stand-in.

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stands(t *testing.T, store *table.Table, key string, stage waitlist.Stage) waitlist.Entry {
	t.Helper()
	entry, err := store.Entry(context.WithoutCancel(t.Context()), key)
	if err != nil || entry.Stage != stage {
		t.Fatalf("the entry is %+v (%v); it was to be %v", entry, err, stage)
	}
	return entry
}

func find(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in:\n%s", pattern, text)
	}
	return m[1]
}

// letter is a mail as the stand-in for SES keeps it.
type letter struct {
	From        string
	Destination struct{ To []string }
	Subject     string
	Body        struct{ Text, HTML string }
	Headers     []struct{ Name, Value string }
}

func (l letter) header(name string) string {
	for _, h := range l.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// sent is the one mail that was sent.
func sent(t *testing.T, ses string) letter {
	t.Helper()
	res, err := http.Get(ses + "/store")
	must(t, err)
	defer res.Body.Close()
	var kept struct{ Emails []letter }
	must(t, json.NewDecoder(res.Body).Decode(&kept))
	if len(kept.Emails) != 1 {
		t.Fatalf("%d mails were sent, not 1", len(kept.Emails))
	}
	return kept.Emails[0]
}
