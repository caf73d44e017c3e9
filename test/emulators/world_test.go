//go:build emulators

package emulators_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
	"raincheck/test/template"
)

// What the stories run is the five programs that are deployed, built as they are
// for deployment and started by what Lambda starts them by: their environment and
// the runtime interface. So wiring, configuration, JSON both ways, the SDK's own
// client, its timeouts and its retries are tried as they are; a call of the same
// constructors would leave out every one of these. The test plays the world
// around them: API Gateway, the schedule, Lambda's poller of the queue, SES's
// events, a person and an operator.

// cloud is the stand-ins that the worlds of a test share, and the programs.
type cloud struct {
	programs          string
	dynamo, moto, ses emulators.Server
	worlds            *atomic.Int32
}

// perSecond is what the stand-in for SES lets us send.
const perSecond = 100

func newCloud(t *testing.T) *cloud {
	t.Helper()
	account := fmt.Sprintf(`{"DedicatedIpAutoWarmupEnabled":false,"Details":{"AdditionalContactEmailAddresses":[],"ContactLanguage":"EN","MailType":"TRANSACTIONAL","ReviewDetails":{"CaseId":"1","Status":"GRANTED"},"UseCaseDescription":"x","WebsiteURL":"https://www.example.org"},"EnforcementStatus":"HEALTHY","ProductionAccessEnabled":true,"SendingEnabled":true,"SendQuota":{"Max24HourSend":1000000,"MaxSendRate":%d,"SentLast24Hours":0},"SuppressionAttributes":{"SuppressedReasons":["BOUNCE"]}}`, perSecond)
	return &cloud{
		worlds:   &atomic.Int32{},
		programs: emulators.BuildFunctions(t, append(emulators.Functions(), "smoke")),
		dynamo:   emulators.Dynalite(t, "127.0.0.1"), moto: emulators.Moto(t, "127.0.0.1"), ses: emulators.SES(t, "127.0.0.1", account),
	}
}

// world is one deployed raincheck with one person.
type world struct {
	*testing.T
	cloud     *cloud
	name      string
	table     *table.Table
	items     *dynamodb.Client
	queue     *sqs.Client
	queueURL  string
	origin    string
	keys      *bypass.Keyring
	edge      *emulators.KeyValue
	load      *emulators.CloudWatch
	stack     *template.Stack   // what the template makes of all that
	physical  map[string]string // what was made on the stand-ins, by the resource's name in the template
	routes    map[string]string // the stand-ins, by the service's name
	wires     map[string]*emulators.Wire
	functions map[string]*emulators.Function
	// address is the person's, cookie the pass once there is one.
	address, cookie string
	// bodies are those of all messages that went through the queue.
	bodies []string
	tick   time.Time
	// twice says that one count of a cohort was made twice.
	twice bool
	// waiting is how many wait, by the last tick that was counted.
	waiting int
}

const (
	siteHost = "www.example.org"
	from     = "queue@example.org"
)

// parameters are the stack's that differ from the template's defaults.
var parameters = map[string]string{
	"SiteHost": siteHost, "FromAddress": from, "MailIdentity": "example.org", "Smoke": "on", "Fields": `[{"name":"state","labels":{"en":"State"}}]`,
	"LoadSource": "alb-connections", "LoadResource": "app/site/1", "LoadFull": "1000", "Capacity": "1000",
}

// newWorld deploys: what the template makes, made on the stand-ins.
func (c *cloud) newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, cloud: c, name: fmt.Sprintf("world%d", c.worlds.Add(1)), wires: map[string]*emulators.Wire{}, functions: map[string]*emulators.Function{}}
	w.address = w.name + ".jordan@example.com"
	dynamo, moto := emulators.Config(c.dynamo.URL), emulators.Config(c.moto.URL)
	emulators.CreateTable(t, dynamo, w.name)
	w.table, w.items = table.New(dynamo, w.name), dynamodb.NewFromConfig(dynamo)
	for _, language := range []string{"en", "es"} {
		w.must(w.table.SaveWords(w.Context(), language, site.Words{Name: "Example Benefits"}))
	}

	w.queue = sqs.NewFromConfig(moto)
	made, err := w.queue.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(w.name + "-mails"), Attributes: map[string]string{"VisibilityTimeout": "360"}})
	w.must(err)
	w.queueURL = *made.QueueUrl

	w.physical = map[string]string{"Table": w.name, "MailQueue": w.queueURL}
	w.stack, err = emulators.Deploy(t.Context(), moto, w.name, parameters, w.physical)
	w.must(err)
	w.origin, err = w.stack.Secret("OriginSecret")
	w.must(err)
	root, err := w.stack.Secret("KeysSecret")
	w.must(err)
	w.keys, err = bypass.ParseKeyring([]byte(root))
	w.must(err)
	w.edge, w.load = &emulators.KeyValue{ARN: w.stack.Outputs["EdgeStoreArn"]}, &emulators.CloudWatch{}
	edge, load := httptest.NewServer(w.edge), httptest.NewServer(w.load)
	t.Cleanup(edge.Close)
	t.Cleanup(load.Close)
	for i := range 20 {
		at := time.Now().Add(time.Duration(-i) * time.Minute)
		w.load.Put(emulators.Series("AWS/ApplicationELB", "ActiveConnectionCount", "LoadBalancer=app/site/1"), at, 400)
		w.load.Put(emulators.Series(w.stack.Outputs["EdgeNamespace"], "Visitors"), at, 100)
		w.load.Put(emulators.Series(w.stack.Outputs["EdgeNamespace"], "Admitted"), at, 50)
	}
	routes := map[string]string{
		"DYNAMODB": c.dynamo.URL, "SQS": c.moto.URL, "SECRETS_MANAGER": c.moto.URL, "SESV2": c.ses.URL,
		"CLOUDFRONT_KEYVALUESTORE": edge.URL, "CLOUDWATCH": load.URL,
	}
	w.routes = routes
	for _, function := range emulators.Functions() {
		w.start(function)
	}
	w.operate(func(c *waitlist.Control) { c.Mode = gate.Throttle; c.Switched = time.Now() })
	return w
}

// start starts a function as the template says, and more; again, for a new copy
// that remembers nothing.
func (w *world) start(function string, more ...string) {
	w.Helper()
	if w.wires[function] == nil {
		w.wires[function] = emulators.NewWire(w.T, w.routes)
	}
	logical := emulators.Logical(function)
	environ := w.wires[function].Environ()
	variables, err := w.stack.Environment(logical)
	w.must(err)
	for name, value := range variables {
		environ = append(environ, name+"="+value)
	}
	environ = append(environ, more...)
	tmpl, err := template.Read(template.Main)
	w.must(err)
	seconds, err := strconv.Atoi(tmpl.Get("Resources", logical, "Properties", "Timeout").Value)
	w.must(err)
	w.functions[function] = emulators.StartFunction(w.T, filepath.Join(w.cloud.programs, function, "bootstrap"), time.Duration(seconds)*time.Second, environ)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// operate is the operator's switch.
func (w *world) operate(change func(*waitlist.Control)) {
	w.Helper()
	w.must(w.table.UpdateControl(w.Context(), func(c *waitlist.Control) error { change(c); return nil }))
}

// visit is one request of the person's browser, as the HTTP API hands it on: a
// form's body in base64, cookies apart.
func (w *world) visit(method, target string, form url.Values) (events.APIGatewayV2HTTPResponse, error) {
	w.Helper()
	path, query, _ := strings.Cut(target, "?")
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: query,
		Headers: map[string]string{
			"accept": "text/html", "host": "abc.execute-api." + emulators.Region + ".amazonaws.com", "origin": "https://" + siteHost, "sec-fetch-site": "same-origin",
			"user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "x-forwarded-for": "203.0.113.24, 198.51.100.7", "x-raincheck-origin": w.origin,
		},
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path, event.RequestContext.HTTP.SourceIP = method, path, "198.51.100.7"
	if w.cookie != "" {
		event.Cookies = []string{"consent=1", w.cookie}
	}
	if method == http.MethodPost {
		event.Headers["content-type"] = "application/x-www-form-urlencoded"
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(form.Encode())), true
	}
	var response events.APIGatewayV2HTTPResponse
	err := w.invoke("intake", event, &response)
	return response, err
}

func (w *world) invoke(function string, event, answer any) error {
	w.Helper()
	text, err := json.Marshal(event)
	w.must(err)
	got, err := w.functions[function].Invoke(text)
	if err == nil && answer != nil {
		err = json.Unmarshal(got, answer)
	}
	return err
}

var stampField = regexp.MustCompile(`name="?stamp"? value="?([^" >]+)`)

// join asks for the form and posts it, once more where the page says that it was
// not saved: a person's patience.
func (w *world) join() {
	w.Helper()
	for range 3 {
		page, err := w.form()
		if err == nil && page.StatusCode == 200 {
			return
		}
		w.Logf("joining: %d %v", page.StatusCode, err)
	}
	w.Fatalf("nobody could join\n%s", w.functions["intake"].Output())
}

// form asks for the form and posts it.
func (w *world) form() (events.APIGatewayV2HTTPResponse, error) {
	w.Helper()
	page, err := w.visit("GET", "/waiting-room/en/", nil)
	stamp := stampField.FindStringSubmatch(page.Body)
	if err != nil || stamp == nil {
		return page, fmt.Errorf("no form: %w", err)
	}
	form := url.Values{"email": {w.address}, "stamp": {stamp[1]}, "to": {"/apply?plan=silver"}, "state": {"VT"}, "note": {""}}
	return w.visit("POST", "/waiting-room/en/", form)
}

// minute is one tick of the schedule. A minute has gone by since the last one, as
// far as anything in the table can tell.
func (w *world) minute() (report struct{ Claimed, Retried, GivenBack int }) {
	w.Helper()
	if !w.tick.IsZero() {
		w.elapse(time.Minute)
		// The law decides once in a minute of the clock; the operator asks for more.
		w.operate(func(c *waitlist.Control) { c.InviteNow = 1 })
	}
	w.tick = time.Now()
	err := w.invoke("inviter", map[string]time.Time{"scheduled": w.tick}, &report)
	if err != nil {
		w.Logf("the tick: %v", err)
	}
	return report
}

// elapse lets time go by for what is kept in the table: what is due, the lease
// and the slots that were given out stand that much earlier.
func (w *world) elapse(d time.Duration) {
	w.Helper()
	scan, err := w.items.Scan(w.Context(), &dynamodb.ScanInput{TableName: &w.name, ConsistentRead: aws.Bool(true)})
	w.must(err)
	for _, item := range scan.Items {
		var names []string
		switch line, _ := item[table.Index].(*types.AttributeValueMemberS); {
		case line != nil && strings.HasPrefix(line.Value, "d#"):
			names = []string{"due", table.Sort}
		case item["slotsUntil"] != nil || item["until"] != nil:
			names = []string{"until", "slotsUntil"}
		}
		for _, name := range names {
			n, ok := item[name].(*types.AttributeValueMemberN)
			if !ok {
				continue
			}
			ms, err := strconv.ParseInt(n.Value, 10, 64)
			w.must(err)
			_, err = w.items.UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
				TableName: &w.name, Key: map[string]types.AttributeValue{table.Key: item[table.Key]},
				UpdateExpression: aws.String("SET #n = :v"), ExpressionAttributeNames: map[string]string{"#n": name},
				ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberN{Value: strconv.FormatInt(ms-d.Milliseconds(), 10)}},
			})
			w.must(err)
		}
	}
}

// work is Lambda's poller: it gives the sender what is in the queue until there
// is nothing left, and puts back what the sender names.
func (w *world) work() {
	w.Helper()
	for range 20 {
		got, err := w.queue.ReceiveMessage(w.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.queueURL, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		w.must(err)
		if len(got.Messages) == 0 {
			if w.queued() == 0 {
				return
			}
			continue
		}
		var event events.SQSEvent
		for _, m := range got.Messages {
			w.bodies = append(w.bodies, *m.Body)
			event.Records = append(event.Records, events.SQSMessage{MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, EventSource: "aws:sqs", AWSRegion: emulators.Region})
		}
		var answer events.SQSEventResponse
		failed := w.invoke("sender", event, &answer)
		for _, m := range got.Messages {
			again := failed != nil || slices.ContainsFunc(answer.BatchItemFailures, func(f events.SQSBatchItemFailure) bool { return f.ItemIdentifier == *m.MessageId })
			if again {
				w.Logf("a message comes again: %v", failed)
				_, err = w.queue.ChangeMessageVisibility(w.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &w.queueURL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0})
			} else {
				_, err = w.queue.DeleteMessage(w.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.queueURL, ReceiptHandle: m.ReceiptHandle})
			}
			w.must(err)
		}
	}
	w.Fatalf("the queue does not get empty\n%s", w.functions["sender"].Output())
}

// queued is how many messages there are, seen or not.
func (w *world) queued() (n int) {
	w.Helper()
	out, err := w.queue.GetQueueAttributes(w.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &w.queueURL, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	w.must(err)
	for name, value := range out.Attributes {
		if strings.HasPrefix(name, "ApproximateNumberOfMessages") {
			one, err := strconv.Atoi(value)
			w.must(err)
			n += one
		}
	}
	return n
}

// mail is a mail as SES's stand-in keeps it, with the tags that it does not keep,
// from the wire.
type mail struct {
	MessageID   string
	From        string
	Destination struct{ To, Cc, Bcc []string }
	Subject     string
	Body        struct{ HTML, Text string }
	Headers     []struct{ Name, Value string }
	Tags        map[string]string
}

func (m mail) header(name string) string {
	for _, h := range m.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

var codeLink = regexp.MustCompile(`https://` + regexp.QuoteMeta(siteHost) + `(/waiting-room/\S+/code\?c=\S+)`)

// mails are those that the person got.
func (w *world) mails() (all []mail) {
	w.Helper()
	response, err := http.Get(w.cloud.ses.URL + "/store")
	w.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	w.must(err)
	var store struct{ Emails []mail }
	w.must(json.Unmarshal(text, &store))
	for _, m := range store.Emails {
		if slices.Contains(m.Destination.To, w.address) {
			all = append(all, m)
		}
	}
	i := 0
	for _, c := range w.wires["sender"].Calls() {
		if c.Action != "ses:SendEmail" || c.Fault == emulators.Fail || i >= len(all) || c.Refused {
			continue
		}
		var sent struct {
			EmailTags []struct{ Name, Value string }
		}
		w.must(json.Unmarshal([]byte(c.Body), &sent))
		all[i].Tags = map[string]string{}
		for _, tag := range sent.EmailTags {
			all[i].Tags[tag.Name] = tag.Value
		}
		i++
	}
	return all
}

// hear is an event of SES about a mail, tried three times as Lambda does.
func (w *world) hear(m mail, kind, more string) {
	w.Helper()
	tags := map[string][]string{"ses:configuration-set": {w.stack.Outputs["ConfigurationSet"]}, "ses:from-domain": {"example.org"}}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	detail := map[string]any{"eventType": kind, "mail": map[string]any{"messageId": m.MessageID, "destination": m.Destination.To, "source": m.From, "tags": tags}}
	if more != "" {
		detail[strings.ToLower(kind)] = json.RawMessage(more)
	}
	event := map[string]any{"version": "0", "source": "aws.ses", "detail-type": "Email " + kind, "time": time.Now().UTC(), "account": template.Account, "region": emulators.Region, "detail": detail}
	var err error
	for range 3 {
		if err = w.invoke("feedback", event, nil); err == nil {
			return
		}
		w.Logf("feedback: %v", err)
	}
	w.Fatalf("feedback heard nothing of %s: %v", kind, err)
}

// redeem presses the button under the link in the mail and goes where it leads.
func (w *world) redeem(m mail) {
	w.Helper()
	link := codeLink.FindStringSubmatch(m.Body.Text)
	if link == nil {
		w.Fatalf("no link in the mail:\n%s", m.Body.Text)
	}
	if page, err := w.visit("GET", link[1], nil); err != nil || page.StatusCode != 200 || len(page.Cookies) > 0 {
		w.Fatalf("the page of the code: %d, cookies %v, %v", page.StatusCode, page.Cookies, err)
	}
	var page events.APIGatewayV2HTTPResponse
	var err error
	for range 3 {
		if page, err = w.visit("POST", link[1], url.Values{}); err == nil && page.StatusCode == 303 {
			break
		}
		w.Logf("redeeming: %d %v", page.StatusCode, err)
	}
	if err != nil || page.StatusCode != 303 || len(page.Cookies) != 1 {
		w.Fatalf("the code was not taken: %d, cookies %v, %v\n%s", page.StatusCode, page.Cookies, err, w.functions["intake"].Output())
	}
	w.cookie, _, _ = strings.Cut(page.Cookies[0], ";")
	page, err = w.visit("GET", page.Headers["Location"], nil)
	if err != nil || page.Headers["Location"] != "/apply?plan=silver" {
		w.Fatalf("the way on: %d %v %v", page.StatusCode, page.Headers, err)
	}
}

// entry is what the table has of the person.
func (w *world) entry() waitlist.Entry {
	w.Helper()
	e, err := w.table.Entry(w.Context(), w.keys.Mailbox(w.address))
	w.must(err)
	return e
}
