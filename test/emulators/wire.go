package emulators

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Account and Region are those of everything here.
const (
	Account = "123456789012"
	Region  = "eu-west-1"
)

// Call is one request as it went over the wire.
type Call struct {
	// Action is IAM's name for it, such as dynamodb:UpdateItem.
	Action string
	// Resource is what it names: a table, table/index, a queue's name, a secret,
	// a store's ARN, a mail's configuration set; empty for what has none.
	Resource string
}

// Wire stands between the SDK and the stand-ins: it is the HTTP client of an
// aws.Config. It writes down every request, by what was sent and not by what was
// called, and can make one fail. Hosts are resolved to the stand-ins whatever
// their name: the KeyValueStore's has the account before it.
type Wire struct {
	// Fault is asked about every call before it is sent; nil is no fault.
	Fault func(Call) Fault

	mu     sync.Mutex
	calls  []Call
	client *http.Client
}

// Fault is what happens to a call.
type Fault int

// The faults.
const (
	None Fault = iota
	// Fail answers 500 and does nothing.
	Fail
	// Slow holds the request up for a moment that is within every timeout.
	Slow
	// Late does it, and the caller gave up before the answer came.
	Late
)

// Config is the SDK's configuration for a stand-in at an endpoint.
func (w *Wire) Config(endpoint string) aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: &endpoint, HTTPClient: w,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", ""),
	}
}

// Calls gives what went over the wire since the last Reset, in order.
func (w *Wire) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// Reset begins anew.
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

var errGaveUp = &url.Error{Op: "Post", Err: errors.New("net/http: request canceled (Client.Timeout exceeded while awaiting headers)")}

// Do sends a request.
func (w *Wire) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	call := Describe(r, body)
	w.mu.Lock()
	w.calls = append(w.calls, call)
	if w.client == nil {
		w.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext}}
	}
	fault := None
	if w.Fault != nil {
		fault = w.Fault(call)
	}
	w.mu.Unlock()
	switch fault {
	case Fail:
		return &http.Response{
			StatusCode: 500, Status: "500 Internal Server Error", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: r,
		}, nil
	case Slow:
		select {
		case <-time.After(300 * time.Millisecond):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if name, rest, ok := strings.Cut(r.URL.Host, "."); ok && name == Account {
		r.URL.Host = rest
	}
	response, err := w.client.Do(r)
	if fault == Late && err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		return nil, errGaveUp
	}
	return response, err
}

var signed = regexp.MustCompile(`Credential=[^/]+/\d+(?:/[a-z0-9-]+)?/([a-z0-9-]+)/aws4_request`)

// Describe says in IAM's words what a request asks for.
func Describe(r *http.Request, body []byte) Call {
	service := ""
	if m := signed.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		service = m[1]
	}
	var in struct {
		TableName, IndexName, QueueUrl, SecretId, ConfigurationSetName string
		SecretIdList                                                   []string
		RequestItems                                                   map[string]any
	}
	_ = json.Unmarshal(body, &in)
	if i := strings.LastIndex(r.Header.Get("X-Amz-Target"), "."); i >= 0 {
		call := Call{Action: service + ":" + r.Header.Get("X-Amz-Target")[i+1:]}
		switch {
		case in.IndexName != "":
			call.Resource = in.TableName + "/" + in.IndexName
		case in.QueueUrl != "":
			call.Resource = in.QueueUrl[strings.LastIndexByte(in.QueueUrl, '/')+1:]
			call.Action = strings.TrimSuffix(call.Action, "Batch") // IAM has one action for both forms
		case in.SecretId != "":
			call.Resource = in.SecretId
		case len(in.SecretIdList) > 0:
			call.Resource = strings.Join(in.SecretIdList, ",")
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
