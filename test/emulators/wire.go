package emulators

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"raincheck/test/template"
)

// Region is that of everything here.
const Region = template.Region

// Config is the SDK's configuration for a stand-in at an endpoint.
func Config(endpoint string) aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", ""),
	}
}

// Call is one request as it went over the wire.
type Call struct {
	// Action is IAM's name for it, such as dynamodb:UpdateItem.
	Action string
	// Resource is what it names: a table, table/index, a queue's name, a secret,
	// a store's ARN, a mail's configuration set; empty for what has none.
	Resource string
	// Body is what was sent.
	Body string
	// Fault is what happened to it, Refused that Wire.Refuse answered it.
	Fault   Fault
	Refused bool
}

// Wire is the wire between one program and the stand-ins: a forward proxy that
// the program learns of by the variable HTTP_PROXY. So the program is the real
// one, with its own HTTP client and its own timeouts, and names whatever host it
// likes (the KeyValueStore's has the account before it).
//
// It writes down every request, by what was sent and not by what was called, and
// can make one fail.
type Wire struct {
	// Fault is asked about every call before it is sent; nil means none.
	Fault func(Call) Fault
	// Refuse is asked next; a status that is not 0 is what the call is answered with,
	// as the service does when it refuses, and it is not sent. Nil refuses nothing.
	Refuse func(Call) (status int, code, message string)

	url    string
	routes map[string]string
	client *http.Client

	mu    sync.Mutex
	calls []Call
}

// Fault is what happens to a call.
type Fault int

// The faults.
const (
	None Fault = iota
	// Fail answers 500 and does nothing.
	Fail
	// Slow holds the request up for a second, within every timeout of ours.
	Slow
	// Late does it, and answers after the caller has given up.
	Late
)

// String names a fault for a test.
func (f Fault) String() string { return [...]string{"None", "Fail", "Slow", "Late"}[f] }

// NewWire starts a wire. routes gives the stand-in's URL for each service, by the
// name that the SDK's variables know it by: DYNAMODB, SQS, SESV2, CLOUDWATCH,
// CLOUDFRONT_KEYVALUESTORE, SECRETS_MANAGER.
func NewWire(t testing.TB, routes map[string]string) *Wire {
	t.Helper()
	w := &Wire{routes: routes, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	w.url = serve(t, "127.0.0.1", w).URL
	return w
}

// Environ tells a program of the wire and of the stand-ins.
func (w *Wire) Environ() []string {
	env := []string{"HTTP_PROXY=" + w.url, "AWS_REGION=" + Region, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=not-a-secret"}
	for _, service := range slices.Sorted(maps.Keys(w.routes)) {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"=http://"+hostOf(service))
	}
	return env
}

// Config is the same for a client within the test, for one service.
func (w *Wire) Config(service string) aws.Config {
	cfg := Config("http://" + hostOf(service))
	proxy, err := url.Parse(w.url)
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return proxy, err }}}
	return cfg
}

// hostOf is what a service is called on the wire: no such host exists.
func hostOf(service string) string {
	return strings.ToLower(strings.ReplaceAll(service, "_", "-")) + ".stand-in"
}

// Calls gives what went over the wire since the last Reset, in order.
func (w *Wire) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// Reset forgets the calls so far.
func (w *Wire) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

// Count is how many calls there were of a service ("dynamodb") or an action
// ("dynamodb:UpdateItem").
func (w *Wire) Count(action string) (n int) {
	for _, c := range w.Calls() {
		if c.Action == action || strings.HasPrefix(c.Action, action+":") {
			n++
		}
	}
	return n
}

// ServeHTTP passes a request on.
func (w *Wire) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the caller broke off
	}
	call := Describe(r, body)
	w.mu.Lock()
	if w.Fault != nil {
		call.Fault = w.Fault(call)
	}
	var status int
	var code, message string
	if w.Refuse != nil {
		status, code, message = w.Refuse(call)
		call.Refused = status != 0
	}
	w.calls = append(w.calls, call)
	w.mu.Unlock()
	if call.Refused {
		failWith(out, status, code, message)
		return
	}
	switch call.Fault {
	case Fail:
		failWith(out, http.StatusInternalServerError, "InternalServerError", "a fault of the test")
		return
	case Slow:
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	response, answer, err := w.forward(r, body, call.Fault == Late)
	if err != nil {
		failWith(out, http.StatusBadGateway, "BadGateway", err.Error())
		return
	}
	if call.Fault == Late {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	maps.Copy(out.Header(), response.Header)
	out.WriteHeader(response.StatusCode)
	_, _ = out.Write(answer) // the caller has gone: nobody to tell
}

// forward asks the stand-in. regardless says that it is asked to the end though
// the caller should go.
func (w *Wire) forward(r *http.Request, body []byte, regardless bool) (*http.Response, []byte, error) {
	target := ""
	for service, at := range w.routes {
		if host := hostOf(service); r.URL.Host == host || strings.HasSuffix(r.URL.Host, "."+host) {
			target = at
		}
	}
	if target == "" {
		return nil, nil, fmt.Errorf("%s is not a stand-in's host", r.URL.Host)
	}
	to, err := url.Parse(target)
	if err != nil {
		return nil, nil, err
	}
	ctx := r.Context()
	if regardless {
		ctx = context.WithoutCancel(ctx)
	}
	ask := r.Clone(ctx)
	ask.RequestURI = ""
	ask.URL.Scheme, ask.URL.Host = to.Scheme, to.Host
	ask.Body = io.NopCloser(bytes.NewReader(body))
	ask.Header.Del("Proxy-Connection")
	response, err := w.client.Do(ask)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response, answer, err
}

var signed = regexp.MustCompile(`Credential=[^/]+/\d+(?:/[a-z0-9-]+)?/([a-z0-9-]+)/aws4_request`)

// Describe says in IAM's words what a request asks for.
func Describe(r *http.Request, body []byte) Call {
	call := describe(r, body)
	call.Body = string(body)
	return call
}

func describe(r *http.Request, body []byte) Call {
	service := ""
	if m := signed.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		service = m[1]
	}
	var in struct {
		TableName, IndexName, QueueURL, SecretID, ConfigurationSetName string
		SecretIDList                                                   []string
		RequestItems                                                   map[string]any
	}
	_ = json.Unmarshal(body, &in) // CBOR, or nothing: then the names are missing
	if i := strings.LastIndex(r.Header.Get("X-Amz-Target"), "."); i >= 0 {
		call := Call{Action: service + ":" + r.Header.Get("X-Amz-Target")[i+1:]}
		switch {
		case in.IndexName != "":
			call.Resource = in.TableName + "/" + in.IndexName
		case in.QueueURL != "":
			call.Resource = in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:]
			call.Action = strings.TrimSuffix(call.Action, "Batch") // IAM has one action for both forms
		case in.SecretID != "":
			call.Resource = in.SecretID
		case len(in.SecretIDList) > 0:
			call.Resource = strings.Join(in.SecretIDList, ",")
		case in.TableName != "":
			call.Resource = in.TableName
		}
		for table := range in.RequestItems {
			call.Resource = table
		}
		return call
	}
	path := r.URL.EscapedPath()
	switch {
	case strings.Contains(path, "/operation/"):
		return Call{Action: "cloudwatch:" + path[strings.LastIndexByte(path, '/')+1:]}
	case path == "/v2/email/outbound-emails":
		return Call{Action: "ses:SendEmail", Resource: in.ConfigurationSetName}
	case path == "/v2/email/account":
		return Call{Action: "ses:GetAccount"}
	case strings.HasPrefix(path, "/key-value-stores/"):
		arn, rest, _ := strings.Cut(strings.TrimPrefix(path, "/key-value-stores/"), "/")
		arn, _ = url.PathUnescape(arn)
		action := map[string]string{
			"GET": "DescribeKeyValueStore", "GET/keys": "ListKeys", "POST/keys": "UpdateKeys",
			"GET/keys/": "GetKey", "PUT/keys/": "PutKey", "DELETE/keys/": "DeleteKey",
		}[verb(r.Method, rest)]
		return Call{Action: "cloudfront-keyvaluestore:" + action, Resource: arn}
	}
	return Call{Action: service + ":" + r.Method + " " + path}
}

func verb(method, rest string) string {
	switch {
	case rest == "":
		return method
	case strings.HasPrefix(rest, "keys/"):
		return method + "/keys/"
	}
	return method + "/" + rest
}
