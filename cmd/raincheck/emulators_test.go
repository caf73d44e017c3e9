//go:build emulators

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/rogpeppe/go-internal/testscript"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/inviter"
	"raincheck/pkg/metric"
	"raincheck/pkg/sender"
	"raincheck/pkg/smoke"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
	"raincheck/test/emulators/account"
	"raincheck/test/template"
)

// TestStoriesOnATable runs testdata/table: the commands on a stack that has a
// table (dynalite), with the real inviter beside them.
func TestStoriesOnATable(t *testing.T) {
	dynalite, err := url.Parse(emulators.Dynalite(t, "127.0.0.1").URL)
	if err != nil {
		t.Fatal(err)
	}
	var stories atomic.Int32
	commands := map[string]func(*testscript.TestScript, bool, []string){"join": join, "tick": tick, "bounce": bounce, "complain": complain, "mailed": mailed, "listed": listed, "site": visit, "hour": hour, "nowhere": nowhere, "words": words, "storecosts": storeCosts}
	commands["copy"] = copyTable
	for name, command := range awsCommands {
		commands[name] = command
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/table",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			name := fmt.Sprintf("raincheck-%d", stories.Add(1))
			w := newWorld(e, httputil.NewSingleHostReverseProxy(dynalite), name)
			e.Values["world"] = w
			emulators.CreateTable(t, w.config(e.Getenv), name)
			e.Setenv("RAINCHECK_STACK", "raincheck")
			return nil
		},
		Cmds: commands,
	})
}

// storeCosts runs each command that acts on a stack, and holds how many requests it
// makes of the store at the edge, each of which is paid, to the runbook. Those that
// a story of its own has to lead up to are left out: smoke, and rotate --origin.
func storeCosts(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	asked := map[string]map[string]bool{"watch": {}, "operate": {}, "export": {}, "recover": {}}
	several, wait := map[string][]string{}, map[string][]string{"attach": {"--no-wait"}, "detach": {"--no-wait"}}
	for _, name := range []string{"open", "throttle", "hold", "observe", "pause", "resume", "load", "invite", "invite --to", "say", "status", "doctor", "rotate", "export", "import", "forget", "attach", "detach", "drain", "release", "restore"} {
		w.mu.Lock()
		w.asked = nil
		w.mu.Unlock()
		_ = ts.Exec("raincheck", append(strings.Fields(sample[name]), wait[name]...)...) // doctor finds what a story's account lacks
		w.mu.Lock()
		n := w.edgeRequests()
		who := map[string]string{"status": "watch", "export": "export", "import": "export", "forget": "export", "invite --to": "export", "release": "recover", "restore": "recover"}[name]
		for _, action := range w.asked {
			action = permission(action)
			asked[cmp.Or(who, "operate")][action] = true
			// Whoever watches asks the doctor too, who then leaves out what needs a secret.
			if name == "doctor" && !slices.Contains(withSecret, action) {
				asked["watch"][action] = true
			}
		}
		w.mu.Unlock()
		several[strconv.Itoa(n)] = append(several[strconv.Itoa(n)], "`"+name+"`")
	}
	text, err := os.ReadFile(filepath.Join(repository, "docs", "costs.md"))
	ts.Check(err)
	missing := ""
	for n, names := range several {
		asked, err := strconv.ParseFloat(n, 64)
		ts.Check(err)
		if row := fmt.Sprintf("| %s | %s | %.3f |\n", strings.Join(names, ", "), n, asked*edgeRequest); !strings.Contains(string(text), row) {
			missing += row
		}
	}
	// What each of them may do is in docs/policies, held both ways. What no command
	// here asks for is asked for by the canary, by a plan that needs a cache policy, and
	// by the aws commands of the documents (test/template holds them to the policies).
	elsewhere := []string{"sqs:SendMessage", "dynamodb:DeleteItem", "cloudfront:GetCachePolicy", "cloudwatch:GetMetricData", "cloudwatch:PutMetricData",
		"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:StartMessageMoveTask", "sqs:GetQueueAttributes", "lambda:InvokeFunction", "logs:FilterLogEvents",
		"dynamodb:RestoreTableToPointInTime", "dynamodb:BatchWriteItem", "dynamodb:Query", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DescribeTable", "dynamodb:DeleteTable", "ses:GetSuppressedDestination",
		"scheduler:ListSchedules", "cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics"}
	for who, actions := range asked {
		policy, err := template.ReadPolicy(who)
		ts.Check(err)
		for action := range actions {
			if !slices.Contains(policy.Actions(), action) {
				missing += "docs/policies/" + who + ".json lacks " + action + "\n"
			}
		}
		for _, action := range policy.Actions() {
			if !actions[action] && !slices.Contains(elsewhere, action) {
				missing += "docs/policies/" + who + ".json allows " + action + ", which nothing asks for\n"
			}
		}
	}
	if missing != "" {
		ts.Fatalf("docs/costs.md or docs/policies does not have\n%s", missing)
	}
}

// withSecret are the requests of doctor that need a secret, or come after one is read.
var withSecret = []string{"secretsmanager:GetSecretValue", "cloudfront:DescribeFunction", "cloudfront:TestFunction"}

// permission is IAM's name for a request of which Describe gives method and path.
func permission(action string) string {
	for pattern, name := range map[string]string{
		`lambda:GET .*/account-settings.*`: "lambda:GetAccountSettings", `.*:GET /account`: "apigateway:GET",
		`.*:GET /v2/email/identities/.*`: "ses:GetEmailIdentity", `.*:GET /v2/email/configuration-sets/[^/]+`: "ses:GetConfigurationSet",
		`.*:GET /v2/email/configuration-sets/.*/event-destinations`: "ses:GetConfigurationSetEventDestinations",
		`.*:GET /2020-05-31/distribution`:                           "cloudfront:ListDistributions", `.*:GET /2020-05-31/distribution/[^/]+`: "cloudfront:GetDistribution",
		`.*:GET /2020-05-31/distribution/.*/config`: "cloudfront:GetDistributionConfig", `.*:PUT /2020-05-31/distribution/.*/config`: "cloudfront:UpdateDistribution",
		`.*:GET /2020-05-31/tagging`: "cloudfront:ListTagsForResource", `.*:GET /2020-05-31/function/[^/]+`: "cloudfront:GetFunction",
		`.*:GET /2020-05-31/function/.*/describe`: "cloudfront:DescribeFunction", `.*:POST /2020-05-31/function/.*/test`: "cloudfront:TestFunction",
		`.*:GET /v2/email/suppression/addresses`: "ses:ListSuppressedDestinations", `.*:DELETE /v2/email/suppression/addresses/.*`: "ses:DeleteSuppressedDestination",
		`cloudformation:.*`: "cloudformation:DescribeStacks", `Logs_20140328:(.*)|logs:(.*)`: "logs:$1$2",
	} {
		if m := regexp.MustCompile("^(?:" + pattern + ")$"); m.MatchString(action) {
			return m.ReplaceAllString(action, name)
		}
	}
	return action
}

// config is what the SDK makes of a story's environment.
func (w *world) config(getenv func(string) string) aws.Config {
	return aws.Config{Region: getenv("AWS_REGION"), BaseEndpoint: aws.String(getenv("AWS_ENDPOINT_URL_DYNAMODB")),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", "")}
}

// through is an HTTP client that reaches everything by that proxy.
func through(proxy string) *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }}}
}

// parts are the adapters of a story's stack.
func parts(ts *testscript.TestScript) (*table.Table, *edgestore.Store, *secret.Secrets) {
	w := worldOf(ts)
	cfg := w.config(ts.Getenv)
	edge := cfg.Copy()
	edge.BaseEndpoint = aws.String("http://edge.example")
	edge.HTTPClient = through(ts.Getenv("HTTP_PROXY"))
	secrets := cfg.Copy()
	secrets.BaseEndpoint = aws.String(ts.Getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER"))
	return table.New(cfg, w.table), edgestore.New(edge, outputs[outEdge]), secret.New(secrets, outputs[outKeys], outputs[outOrigin])
}

// join N [ADDRESS]: N people leave their addresses, p0@example.org and so on,
// a second apart, the last of them a minute ago; or one person with ADDRESS.
func join(ts *testscript.TestScript, neg bool, args []string) {
	store, _, secrets := parts(ts)
	keys, err := secrets.Keys(context.Background())
	ts.Check(err)
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for i := range n {
		typed := fmt.Sprintf("p%d@example.org", i)
		if len(args) > 1 {
			typed = args[1]
		}
		address, err := email.Parse(typed)
		ts.Check(err)
		_, err = store.Join(context.Background(), waitlist.Signup{Key: keys.Mailbox(address.Mailbox()), Address: address, Language: "en", Wanted: "/apply",
			Fields: map[string]string{"state": "VT"}, At: time.Now().Add(-time.Minute).Add(time.Duration(i-n) * time.Second)})
		ts.Check(err)
	}
}

// copy NAME: the table as it is now becomes another one, as a point in time does.
func copyTable(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	client := dynamodb.NewFromConfig(w.config(ts.Getenv))
	_, err := client.CreateTable(context.Background(), emulators.TableInput(args[0]))
	ts.Check(err)
	ts.Check(dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	}).Wait(context.Background(), &dynamodb.DescribeTableInput{TableName: &args[0]}, time.Minute))
	items, err := client.Scan(context.Background(), &dynamodb.ScanInput{TableName: &w.table})
	ts.Check(err)
	for _, it := range items.Items {
		_, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &args[0], Item: it})
		ts.Check(err)
	}
}

// words LANGUAGE: print what is stored of the language's words.
func words(ts *testscript.TestScript, neg bool, args []string) {
	store, _, _ := parts(ts)
	w, err := store.Words(context.Background(), args[0])
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), w.Name)
}

// entryOf is the entry of an address, with the store and the keys that found it.
func entryOf(ts *testscript.TestScript, text string) (*table.Table, *bypass.Keyring, waitlist.Entry) {
	store, _, secrets := parts(ts)
	keys, err := secrets.Keys(context.Background())
	ts.Check(err)
	address, err := email.Parse(text)
	ts.Check(err)
	entry, err := store.Entry(context.Background(), keys.Mailbox(address.Mailbox()))
	ts.Check(err)
	return store, keys, entry
}

// bounce ADDRESS: a hard bounce comes back.
func bounce(ts *testscript.TestScript, neg bool, args []string) {
	store, _, entry := entryOf(ts, args[0])
	ts.Check(store.Bounce(context.Background(), entry.Ref, time.Now()))
}

// complain ADDRESS: the person complains.
func complain(ts *testscript.TestScript, neg bool, args []string) {
	store, _, entry := entryOf(ts, args[0])
	ts.Check(store.Complain(context.Background(), entry.Ref, time.Now()))
}

// mailed ADDRESS: the invitation of somebody in the line was accepted just now.
func mailed(ts *testscript.TestScript, neg bool, args []string) {
	store, keys, entry := entryOf(ts, args[0])
	ctx, now := context.Background(), time.Now().Truncate(time.Millisecond)
	place := waitlist.Place{Ref: entry.Ref, Shard: entry.Shard, When: entry.Joined, Stage: entry.Stage}
	ts.Check(store.Claim(ctx, place, now, now.Add(time.Minute)))
	m := place.NewMessage(now, now)
	code, err := keys.IssueCode(now, now.Add(time.Hour), rand.Reader)
	ts.Check(err)
	_, err = store.Begin(ctx, m, waitlist.Ticket{Code: code, Expires: now.Add(time.Hour)}, now)
	ts.Check(err)
	ts.Check(store.Accept(ctx, m.Ref, 1, now))
}

// listed ADDRESS REASON: SES puts an address on its suppression list; ! listed
// ADDRESS: it is not there.
func listed(ts *testscript.TestScript, neg bool, args []string) {
	worldOf(ts).account.Change(func(s *account.State) {
		for _, on := range s.Suppressed {
			if neg && on.Address == args[0] {
				ts.Fatalf("SES's list has %s", args[0])
			}
		}
		if !neg {
			s.Suppressed = append(s.Suppressed, account.Suppressed{Address: args[0], Reason: args[1], At: time.Now()})
			slices.SortFunc(s.Suppressed, func(a, b account.Suppressed) int { return strings.Compare(a.Address, b.Address) })
		}
	})
}

// tick: the inviter runs once, each time a minute later. ! tick: it cannot.
func tick(ts *testscript.TestScript, neg bool, args []string) {
	store, edge, secrets := parts(ts)
	w := worldOf(ts)
	w.ticks++
	now := time.Now().Add(time.Duration(w.ticks) * time.Minute).Truncate(time.Minute)
	service := inviter.Service{
		Settings: inviter.Settings{Policy: admission.DefaultPolicy(),
			Gate: gate.DefaultSettings(), Failure: gate.FailOpen, Stale: 0.5, Parallel: 8},
		Store: store, Queue: &queue.Queue{}, Mail: anyMail{}, Edge: edge, Keys: secrets.Keys, Now: func() time.Time { return now },
	}
	report, err := service.Tick(context.Background(), now)
	if neg != (err != nil) {
		ts.Fatalf("tick: %v", err)
	}
	ts.Logf("%s %g, %d waiting, %d claimed: %s%s", report.Mode, report.Admit, report.Waiting, report.Claimed, report.Because, report.Skipped)
	ts.Check(os.WriteFile(ts.MkAbs("tick.txt"), []byte(strings.TrimSpace(fmt.Sprintf("%s %g claimed %d", report.Mode, report.Admit, report.Claimed))+"\n"), 0o600))
}

type anyMail struct{}

func (anyMail) Account(context.Context) (email.Account, error) {
	return email.Account{PerSecond: 14, Remaining24h: 50000, Enabled: true}, nil
}

// visit is the command `site [WITHOUT]`: from now on there is a site with its
// waiting room, a queue with the real sender behind it, a mail service that accepts, and its events with
// the real feedback; one of room, sender, events can be missing. SITE is its
// address.
func visit(ts *testscript.TestScript, neg bool, args []string) {
	without := strings.Join(args, "")
	store, _, secrets := parts(ts)
	w := worldOf(ts)
	log := slog.New(slog.DiscardHandler)
	server := httptest.NewServer(nil)
	ts.Defer(server.Close)
	room, err := intake.Service{
		Settings: intake.Settings{Site: "the site", Sender: "no-reply@example.org", PassLife: time.Hour, Origins: []string{server.URL}},
		Store:    store, Keys: secrets.Keys, Now: time.Now, Log: log, Viewer: func(*http.Request) string { return "127.0.0.1" },
	}.Handler()
	ts.Check(err)
	server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, gate.Room) && without == "room":
			http.Error(rw, "the site's own 404", http.StatusNotFound)
		case strings.HasPrefix(r.URL.Path, gate.Room):
			room.ServeHTTP(rw, r)
		}
	})
	ts.Setenv("SITE", server.URL)
	heard := &feedback.Service{Store: store, Now: time.Now, Count: func(name metric.Name, n float64) {
		w.metrics.Put(emulators.Series(metric.Namespace, string(name), "Stack=raincheck"), time.Now(), n)
	}}
	outbox := &outbox.Outbox{Now: time.Now, Arrived: func(m outbox.Mail) bool {
		joining, err := strconv.Atoi(m.Tags[email.TagJoining])
		if err == nil && without != "events" {
			ref := waitlist.Ref{Key: m.Tags[email.TagKey], Joining: joining}
			_ = heard.Handle(context.Background(), feedback.Event{Kind: feedback.Delivered, Ref: ref, Attempt: 1, At: time.Now()}) // the story sees what came of it
		}
		return true
	}}
	mails := &sender.Service{
		Settings: sender.Settings{Site: "the site", From: "no-reply@example.org", Room: server.URL + gate.Room, CodeTTL: time.Hour},
		Store:    store, Mail: outbox, Keys: secrets.Keys, Now: time.Now, Random: rand.Reader, Wait: until, Log: log,
	}
	queue := httptest.NewServer(emulators.Queue{Take: func(body []byte) {
		var m waitlist.Message
		if json.Unmarshal(body, &m) == nil && without != "sender" {
			go mails.Handle(context.Background(), []waitlist.Message{m})
		}
	}})
	ts.Defer(queue.Close)
	ts.Setenv("AWS_ENDPOINT_URL_SQS", queue.URL)
}

// until returns at a time.
func until(ctx context.Context, at time.Time) error { return smoke.Wait(ctx, time.Until(at)) }

// hour FILE: the README's hour, in six steps, becomes a script for sh, after what
// a clone needs in the place of a release, with the names of this story in the
// place of ID and HOST.
func hour(ts *testscript.TestScript, neg bool, args []string) {
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	ts.Check(err)
	steps := sixSteps(string(readme))
	if len(steps) == 0 || len(steps) > 6 {
		ts.Fatalf("the README's hour has %d steps: %q", len(steps), steps)
	}
	script := "set -e\ncd " + repository + "\n"
	clone := cloneSteps(string(readme))
	if len(clone) != 2 {
		ts.Fatalf("the README has other steps for a clone: %q", clone)
	}
	for _, step := range clone {
		script += fmt.Sprintf("echo 'clone: %s'\n%s\n", step, step)
	}
	for i, step := range steps {
		step = strings.NewReplacer(" ID ", " E2EXAMPLE ", " HOST ", " www.example.org ").Replace(step)
		script += fmt.Sprintf("echo '%d %s'\n%s\n", i+1, strings.ReplaceAll(step, "'", ""), step)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(script), 0o600))
	// A story has a home of its own, in which go would begin from nothing.
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		out, err := exec.Command("go", "env", name).Output()
		ts.Check(err)
		ts.Setenv(name, strings.TrimSpace(string(out)))
	}
}

// nowhere TEXT: no item of the table has the text in it, whatever the attribute,
// in any form.
func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	client := dynamodb.NewFromConfig(worldOf(ts).config(ts.Getenv))
	found := false
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &worldOf(ts).table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		ts.Check(err)
		for _, item := range page.Items {
			plain, err := json.Marshal(item)
			ts.Check(err)
			text := strings.ToLower(string(plain))
			for _, needle := range needlesOf(args[0]) {
				if strings.Contains(text, needle) {
					found = true
					ts.Logf("%s", text)
				}
			}
		}
	}
	if found != neg {
		ts.Fatalf("%q stands in the table: %v", args[0], found)
	}
}
