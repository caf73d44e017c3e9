package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"raincheck/functions/throttle"
	"raincheck/pkg/attach"
	"raincheck/pkg/capacity/capacitytest"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/test/emulators"
	"raincheck/test/emulators/account"
	"raincheck/test/emulators/cloudformation"
	"raincheck/test/emulators/cloudfront"
	"raincheck/test/emulators/names"
	"raincheck/test/emulators/secrets"
	"raincheck/test/template"
)

// world is AWS as far as a story needs it: stand-ins that speak the services'
// protocols to the SDK's own clients. The services of a story are its own.
type world struct {
	// table is the name of the stack's table, outputs those of the stack.
	table   string
	outputs map[string]string
	// ticks counts those of the inviter.
	ticks int
	// written is how many writes the edge had at the last writes reset.
	written int

	cloudformation *cloudformation.Server
	cloudfront     *cloudfront.Server
	secrets        *secrets.Server
	edge           *emulators.KeyValue
	metrics        *emulators.CloudWatch
	account        *account.Account
	names          *names.Server
	down           map[string]*atomic.Bool

	mu    sync.Mutex
	asked []string
}

// deployedStack is the stack "raincheck" of every story, as template.yaml makes
// it: no output, name or secret that the template does not have.
var deployedStack = func() *template.Stack {
	t, err := template.Read(template.Main)
	if err != nil {
		panic(err) // the template is not there or not YAML: no story can be told
	}
	s, err := t.Deploy("raincheck", map[string]string{
		"SiteHost": "www.example.org", "MailIdentity": "example.org", "FromAddress": "hello@example.org",
		"LoadSource": "alb-connections", "LoadFull": "40000", "LoadResource": "app/web/0123456789abcdef",
	}, nil)
	if err != nil {
		panic(err)
	}
	return s
}()

// outputs and parameters are those of the same stack.
var outputs, parameters = deployedStack.Outputs, deployedStack.Parameters

// generated is a secret of the stack as Secrets Manager generates it.
func generated(logical string) string {
	value, err := deployedStack.Secret(logical)
	if err != nil {
		panic(err)
	}
	return value
}

// worldEnv is what a world needs of a story: *testscript.Env, or a test.
type worldEnv interface {
	Setenv(key, value string)
	Defer(func())
}

// newWorld starts the stand-ins and points a story's environment at them.
func newWorld(e worldEnv, dynamodb http.Handler, tableName string) *world {
	made := maps.Clone(outputs)
	made[outTable] = tableName
	dns, err := names.Start()
	if err != nil {
		panic(err) // a machine without a port for a test
	}
	e.Defer(dns.Close)
	w := &world{
		table: tableName, outputs: made, ticks: 0, cloudformation: &cloudformation.Server{}, cloudfront: &cloudfront.Server{Looks: 2}, secrets: &secrets.Server{},
		edge: &emulators.KeyValue{ARN: outputs[outEdge]}, metrics: &emulators.CloudWatch{}, account: &account.Account{}, names: dns, down: map[string]*atomic.Bool{},
	}
	w.cloudformation.Put("raincheck", made, parameters)
	w.account.Change(func(s *account.State) {
		*s = account.Ready("raincheck", parameters["MailIdentity"], outputs[outMailSet])
	})
	before, after := throttle.ShippedThrottle()
	w.cloudfront.Code("raincheck-throttle", before+"open"+after)
	w.cloudfront.Code("raincheck-remember", throttle.ShippedRemember())
	w.cloudfront.Runtime(func(code string, event []byte) ([]byte, error) { return emulators.TryThrottle(code, w.edge, event) })
	e.Setenv("DNS", dns.Addr())
	e.Setenv("XDG_CACHE_HOME", os.DevNull) // nothing is remembered where a story does not say so
	w.cloudformation.Put("shop", map[string]string{"Url": "https://www.example.org"}, nil)
	w.cloudfront.Functions(outputs[outThrottle], outputs[outRemember], "arn:aws:cloudfront::111122223333:function/add-index-html")
	w.secrets.Put(outputs[outOrigin], generated("OriginSecret"))
	w.secrets.Put(outputs[outKeys], generated("KeysSecret"))
	for name, handler := range map[string]http.Handler{
		"CLOUDFORMATION": w.cloudformation, "CLOUDFRONT": w.cloudfront, "SECRETS_MANAGER": w.secrets,
		"CLOUDFRONT_KEYVALUESTORE": w.edge, "DYNAMODB": dynamodb, "CLOUDWATCH": w.metrics,
		"LAMBDA": w.account, "API_GATEWAY": w.account, "SESV2": w.account, "CLOUDWATCH_LOGS": w.account,
	} {
		down := &atomic.Bool{}
		w.down[strings.ToLower(name)] = down
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.hear(r)
			if down.Load() {
				rw.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			handler.ServeHTTP(rw, r)
		}))
		e.Defer(server.Close)
		if name == "CLOUDFRONT_KEYVALUESTORE" {
			// The SDK puts the account before the host of this endpoint, which no
			// resolver knows of 127.0.0.1: the stand-in is reached as a proxy, which Go
			// does not use for this machine's own addresses.
			e.Setenv("HTTP_PROXY", server.URL)
			e.Setenv("AWS_ENDPOINT_URL_"+name, "http://edge.example")
			continue
		}
		e.Setenv("AWS_ENDPOINT_URL_"+name, server.URL)
	}
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret",
		// As the tool does by itself: on a busy machine net/http now and then closes a
		// connection of its own under an answer, and the SDK is made to ask again then.
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "3",
		// A machine's own settings must not reach a story.
		"AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/nowhere/none", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/none",
	} {
		e.Setenv(name, value)
	}
	return w
}

// hear writes down what a request asks for, in IAM's words.
func (w *world) hear(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, emulators.Describe(r, body).Action)
}

// TestStoriesOnAWS runs testdata/aws: the commands on a deployed stack, each
// with its errors.
func TestStoriesOnAWS(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/aws",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Values["world"] = newWorld(e, http.HandlerFunc(emptyTable), outputs[outTable])
			return nil
		},
		Cmds: awsCommands,
	})
}

// emptyTable answers reads of a table in which nothing is kept; a story that
// writes needs a real one (testdata/table).
func emptyTable(w http.ResponseWriter, r *http.Request) {
	status, body := http.StatusOK, `{}`
	switch r.Header.Get("X-Amz-Target") {
	case "DynamoDB_20120810.DescribeTable": // a new one
		body = `{"Table":{"WarmThroughput":{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":6000},"GlobalSecondaryIndexes":[{"IndexName":"line","WarmThroughput":{"ReadUnitsPerSecond":12000,"WriteUnitsPerSecond":4000}}]}}`
	case "DynamoDB_20120810.GetItem":
	case "DynamoDB_20120810.BatchGetItem":
		body = `{"Responses":{},"UnprocessedKeys":{}}`
	default:
		status, body = http.StatusBadRequest, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"this table can only be read"}`
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10))
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// awsCommands are what a story may do to the services.
var awsCommands = map[string]func(*testscript.TestScript, bool, []string){
	"each":     everyCommand,
	"freeport": freePort,
	"await":    await,
	// distribution ID RECORDED: there is a distribution, as recorded in pkg/attach.
	"distribution": func(ts *testscript.TestScript, neg bool, args []string) {
		data, err := os.ReadFile(filepath.Join(repository, "pkg/attach/testdata", args[1]+".xml"))
		ts.Check(err)
		worldOf(ts).cloudfront.Put(args[0], data)
	},
	// config ID FILE: what the distribution has now goes to the file.
	"config": func(ts *testscript.TestScript, neg bool, args []string) {
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(worldOf(ts).cloudfront.Config(args[0])), 0o600))
	},
	// putconfig ID FILE: the distribution has what is in the file.
	"putconfig": func(ts *testscript.TestScript, neg bool, args []string) {
		worldOf(ts).cloudfront.Put(args[0], []byte(ts.ReadFile(args[1])))
	},
	// unnoted ID: the distribution was attached by another tool, which has the
	// fragment and writes no note.
	"unnoted": func(ts *testscript.TestScript, neg bool, args []string) {
		bare := regexp.MustCompile(`<OriginCustomHeader><HeaderName>`+attach.NoteHeader+`</HeaderName>.*?</OriginCustomHeader>`).ReplaceAllString(worldOf(ts).cloudfront.Config(args[0]), "")
		worldOf(ts).cloudfront.Put(args[0], []byte(strings.Replace(bare, "<CustomHeaders><Quantity>2<", "<CustomHeaders><Quantity>1<", 1)))
	},
	// owner ID STACK: the distribution belongs to a CloudFormation stack.
	"owner": func(ts *testscript.TestScript, neg bool, args []string) {
		worldOf(ts).cloudfront.Owner(args[0], args[1])
	},
	// meanwhile ID OLD NEW: after the next read somebody else replaces OLD by NEW.
	"meanwhile": func(ts *testscript.TestScript, neg bool, args []string) {
		worldOf(ts).cloudfront.Meanwhile(args[0], func(config string) string { return strings.Replace(config, args[1], args[2], 1) })
	},
	// down SERVICE: it answers 503 from now on; ! down SERVICE: it answers again.
	"down": func(ts *testscript.TestScript, neg bool, args []string) {
		service, ok := worldOf(ts).down[args[0]]
		if !ok {
			ts.Fatalf("no service %q: %v", args[0], maps.Keys(worldOf(ts).down))
		}
		service.Store(!neg)
	},
	// gate FILE: the gate that the edge has goes to the file.
	"gate": func(ts *testscript.TestScript, neg bool, args []string) {
		text, ok := worldOf(ts).edge.Value(gate.Key)
		if !ok {
			ts.Fatalf("the edge has no gate")
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text+"\n"), 0o600))
	},
	// putgate FILE: the edge has that gate.
	"putgate": func(ts *testscript.TestScript, neg bool, args []string) {
		worldOf(ts).edge.Set(gate.Key, strings.TrimSpace(ts.ReadFile(args[0])))
	},
	// writes N: so many writes reached the edge so far, or since writes reset.
	"writes": func(ts *testscript.TestScript, neg bool, args []string) {
		w := worldOf(ts)
		if args[0] == "reset" {
			w.written = w.edge.Writes()
			return
		}
		if got := strconv.Itoa(w.edge.Writes() - w.written); got != args[0] {
			ts.Fatalf("%s writes, want %s", got, args[0])
		}
	},
	// counted MINUTES VISITORS ADMITTED [REFUSED]: the edge counted so many in each of
	// the last minutes.
	"counted": func(ts *testscript.TestScript, neg bool, args []string) {
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		for i := range n {
			at := time.Now().Add(-time.Duration(i+2) * time.Minute)
			for j, name := range []string{"Visitors", "Admitted", "Refused"}[:len(args)-1] {
				value, err := strconv.ParseFloat(args[1+j], 64)
				ts.Check(err)
				worldOf(ts).metrics.Put(emulators.Series(outputs[outEdgeMetrics], name), at, value)
			}
		}
	},
	// metric NAME VALUE: the stack's own metric has that value now.
	"metric": func(ts *testscript.TestScript, neg bool, args []string) {
		series := emulators.Series(metric.Namespace, args[0], "Stack=raincheck")
		now := time.Now()
		got, ok := worldOf(ts).metrics.Value(series, now)
		if !ok {
			got, ok = worldOf(ts).metrics.Value(series, now.Add(-time.Minute)) // the minute has just turned
		}
		if want, err := strconv.ParseFloat(args[1], 64); err != nil || !ok || got != want {
			ts.Fatalf("the metric %s is %g (%v), want %s", args[0], got, ok, args[1])
		}
	},
	// summed NAME N: the stack's own metric was so much in each of two minutes of the
	// last hour, and in one long before.
	"summed": func(ts *testscript.TestScript, neg bool, args []string) {
		n, err := strconv.ParseFloat(args[1], 64)
		ts.Check(err)
		for _, ago := range []time.Duration{3 * time.Minute, 50 * time.Minute, 70 * time.Minute} {
			worldOf(ts).metrics.Put(emulators.Series(metric.Namespace, args[0], "Stack=raincheck"), time.Now().Add(-ago), n)
		}
	},
	// permitted ROLE: what was asked of the stack's parts since permitted reset is
	// what the role allows, no more and no less, but for Lambda's own logs.
	"permitted": func(ts *testscript.TestScript, neg bool, args []string) {
		w := worldOf(ts)
		w.mu.Lock()
		defer w.mu.Unlock()
		if args[0] == "reset" {
			w.asked = nil
			return
		}
		tmpl, err := template.Read(template.Main)
		ts.Check(err)
		allowed := map[string]bool{"sqs:SendMessage": true} // the queue of a story stands apart
		for _, p := range tmpl.Permissions(args[0]) {
			if !strings.HasPrefix(p.Action, "logs:") && p.Action != "sqs:SendMessage" {
				allowed[p.Action] = false
			}
		}
		for _, action := range w.asked {
			switch {
			case action == "cloudwatch:PutMetricData", strings.HasPrefix(action, "cloudformation:"):
				continue // the tool's, not the function's
			}
			if _, ok := allowed[action]; !ok {
				ts.Fatalf("%s does not allow %s", args[0], action)
			}
			allowed[action] = true
		}
		for action, used := range allowed {
			if !used {
				ts.Fatalf("%s allows %s, which nothing asked for", args[0], action)
			}
		}
	},
	// denied: the credentials may do nothing with CloudFront.
	"denied": func(ts *testscript.TestScript, neg bool, args []string) { worldOf(ts).cloudfront.Deny(!neg) },
	// parameter NAME VALUE: the stack was deployed so.
	"parameter": func(ts *testscript.TestScript, neg bool, args []string) {
		changed := maps.Clone(parameters)
		changed[args[0]] = args[1]
		worldOf(ts).cloudformation.Put("raincheck", worldOf(ts).outputs, changed)
	},
	// account WHAT: the account is otherwise than it should be; ! account: it is
	// as it should be.
	"account": func(ts *testscript.TestScript, neg bool, args []string) {
		worldOf(ts).account.Change(func(s *account.State) {
			if neg {
				*s = account.Ready("raincheck", parameters["MailIdentity"], outputs[outMailSet])
				return
			}
			switch args[0] {
			case "new":
				*s = account.State{Executions: 10, Free: 10, Rate: 1000, Burst: 500, Sandbox: true, Enforcement: "HEALTHY", PerSecond: 1, PerDay: 200}
			case "suspended":
				s.Suspended, s.Enforcement, s.SetSuspended = true, "SHUTDOWN", true
			case "tracking":
				s.Manager, s.Forwards, s.Events = true, true, []string{"SEND", "BOUNCE", "COMPLAINT"}
			case "returnless":
				s.MailFrom = ""
			case "untracked":
				s.Manager, s.Untracked = true, true
			case "unfiltered":
				s.Filters, s.Lines = nil, 0
			default:
				ts.Fatalf("account %s?", args[0])
			}
		})
	},
	// dns NAME TEXT…: the DNS has these TXT records; with no text, none.
	"dns": func(ts *testscript.TestScript, neg bool, args []string) { worldOf(ts).names.Put(args[0], args[1:]...) },
	// standing WORD: CloudFormation's own.
	"standing": func(ts *testscript.TestScript, neg bool, args []string) {
		worldOf(ts).cloudformation.Status("raincheck", args[0])
	},
	// edgecode NAME CODE: the edge runs this; throttle.js as it is shipped when
	// CODE is shipped.
	"edgecode": func(ts *testscript.TestScript, neg bool, args []string) {
		code := args[1]
		if code == "shipped" {
			before, after := throttle.ShippedThrottle()
			code = before + "open" + after
		}
		worldOf(ts).cloudfront.Code(args[0], code)
	},
	// day CAPACITY: 24 hours of a site that bears so many visitors, all let in.
	"day": func(ts *testscript.TestScript, neg bool, args []string) {
		capacity, err := strconv.ParseFloat(args[0], 64)
		ts.Check(err)
		load, edge := capacitytest.Day(time.Now(), capacity, 20)
		for i := range load {
			worldOf(ts).metrics.Put(emulators.Series("AWS/ApplicationELB", "ActiveConnectionCount", "LoadBalancer=app/web/0123456789abcdef"), load[i].At, load[i].Value*40000)
			worldOf(ts).metrics.Put(emulators.Series(outputs[outEdgeMetrics], "Visitors"), edge[i].At, edge[i].Visitors)
			worldOf(ts).metrics.Put(emulators.Series(outputs[outEdgeMetrics], "Admitted"), edge[i].At, edge[i].Admitted)
		}
	},
	// status N COMMAND…: the command ends with this exit status.
	"status": func(ts *testscript.TestScript, neg bool, args []string) {
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		err = ts.Exec(args[1], args[2:]...)
		got := 0
		if exit, ok := err.(interface{ ExitCode() int }); ok {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if got != want {
			ts.Fatalf("exit status %d, want %d", got, want)
		}
	},
}

func worldOf(ts *testscript.TestScript) *world {
	w, ok := ts.Value("world").(*world)
	if !ok {
		ts.Fatalf("this story has no world")
	}
	return w
}

// repository is where the checkout begins; the stories run elsewhere.
var repository = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(fmt.Sprint("where the tests run: ", err))
	}
	return dir
}()

// testEnv makes a test a worldEnv.
type testEnv struct{ *testing.T }

func (e testEnv) Defer(f func()) { e.Cleanup(f) }

// edgeRequest is what a request of the KeyValueStore costs, in dollars: 1.00 for a
// thousand, by the price list of 2025.
const edgeRequest = 0.001

// edgeRequests is how many requests the store at the edge has had since asked was
// emptied. Somebody else holds mu.
func (w *world) edgeRequests() (n int) {
	for _, action := range w.asked {
		if strings.HasPrefix(action, "cloudfront-keyvaluestore:") {
			n++
		}
	}
	return n
}

// written holds a figure to docs/costs.md.
func written(t *testing.T, words string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "costs.md"))
	if err != nil || !strings.Contains(string(text), words) {
		t.Errorf("docs/costs.md does not say %q (%v)", words, err)
	}
}

// TestConsoleOverAStack opens the console of a deployed stack as a browser does.
func TestConsoleOverAStack(t *testing.T) {
	var there atomic.Bool
	w := newWorld(testEnv{t}, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !there.Load() {
			http.NotFound(rw, r)
			return
		}
		emptyTable(rw, r)
	}), outputs[outTable])
	now := time.Now()
	var later atomic.Int64 // nanoseconds that the console's clock is ahead
	for i := range 60 {
		at := now.Add(-time.Duration(i+2) * time.Minute)
		w.metrics.Put(emulators.Series(metric.Namespace, "inviter.load", "Stack=raincheck"), at, 0.93)
		w.metrics.Put(emulators.Series(outputs[outEdgeMetrics], "Visitors"), at, 1000)
		w.metrics.Put(emulators.Series(outputs[outEdgeMetrics], "Admitted"), at, 400)
	}
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"console", "--port", "0"}, &env{stdout: writer, stderr: io.Discard, lookup: os.LookupEnv,
			now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
		writer.Close()
	}()
	said, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, page, ok := strings.Cut(strings.TrimSpace(said), "read-only: ")
	if !ok {
		t.Fatal(said)
	}
	get := func(path string) string {
		response, err := http.Get(page + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v: %s", path, response.StatusCode, err, body)
		}
		return string(body)
	}
	if html := get(""); !strings.Contains(html, "<title>") {
		t.Errorf("the page: %.200s", html)
	}
	// The table does not answer and the edge has no gate: the screen says both.
	if snapshot := get("api/snapshot"); !strings.Contains(snapshot, `"readOnly":true`) || !strings.Contains(snapshot, "the waitlist cannot be read") || !strings.Contains(snapshot, "no gate yet") {
		t.Errorf("the snapshot: %s", snapshot)
	}
	series := get("api/series?after=" + strconv.FormatInt(now.Add(-30*time.Minute).Unix(), 10))
	if !strings.Contains(series, "0.93") || !strings.Contains(series, "1000") || strings.Count(series, "0.93") > 45 {
		t.Errorf("the series: %s", series)
	}
	response, err := http.Post(page+"api/change", "application/json", strings.NewReader(`{"mode":"open"}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode < 400 {
		t.Errorf("a change over the read-only console: %d", response.StatusCode)
	}
	// An hour on the wall, looked at every second: the store is asked once a minute,
	// one request for each of its two documents.
	there.Store(true)
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
	for range 3600 / 5 {
		later.Add(int64(5 * time.Second))
		get("api/snapshot")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.edgeRequests()
	if asked < 2*58 || asked > 2*62 {
		t.Errorf("an hour of console makes %d requests of the store, want %d", asked, 2*60)
	}
	written(t, fmt.Sprintf("| an hour of `console`, looked at all the time | %d | %.2f |", 2*60, 2*60*edgeRequest))
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit status %d", code)
	}
}
