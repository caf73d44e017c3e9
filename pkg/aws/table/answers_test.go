package table_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/waitlist/waitlisttest"
	"raincheck/test/emulators"
)

var _ waitlisttest.Store = (*table.Table)(nil)

// later is a clock for Cohorts: some hours after the noon at which the checks
// begin.
func later() time.Time { return time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC) }

// answers is a server that speaks DynamoDB's JSON protocol and says what it is
// told to: for what no stand-in can be brought to say. It keeps no state; that
// the table works on one that does is for the suite (make test-emulators).
type answers struct {
	*table.Table
	// say answers a request; the status 0 is 200.
	say func(action string, in request) (status int, body string)

	mu       sync.Mutex
	requests []request
}

// request is what of a request these tests look at.
type request struct {
	Action                                                                            string `json:"-"`
	TableName, IndexName, Select, UpdateExpression, ConditionExpression, ReturnValues string
	Key, Item, ExclusiveStartKey                                                      map[string]value
	ExpressionAttributeNames                                                          map[string]string
	ExpressionAttributeValues                                                         map[string]value
	RequestItems                                                                      map[string]struct{ Keys []map[string]value }
	Limit                                                                             int
	ConsistentRead                                                                    bool
}

// value is a value as DynamoDB writes it: {"S":"text"}.
type value map[string]any

const name = "raincheck-test"

func newAnswers(t *testing.T, say func(action string, in request) (int, string)) *answers {
	t.Helper()
	a := &answers{say: say}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.Table = table.New(emulators.Config(server.URL), name)
	a.Now = later
	return a
}

// always is the same answer to everything.
func always(status int, body string) func(string, request) (int, string) {
	return func(string, request) (int, string) { return status, body }
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := request{Action: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, in)
	status, answer := a.say(in.Action, in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if status != 0 {
		w.WriteHeader(status)
	}
	_, _ = io.WriteString(w, answer) // a caller who has gone asks again
}

// asked is what was asked so far, and begins again.
func (a *answers) asked() []request {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.requests
	a.requests = nil
	return all
}

// set is what an update writes, by the attribute: the expression's assignments
// with the values in their places.
func (r request) set() map[string]value {
	written := map[string]value{}
	_, rest, _ := strings.Cut(r.UpdateExpression, "SET ")
	rest, _, _ = strings.Cut(rest, " REMOVE ")
	for _, part := range strings.Split(rest, ", ") {
		if to, from, ok := strings.Cut(part, " = "); ok {
			written[r.ExpressionAttributeNames[to]] = r.ExpressionAttributeValues[from]
		}
	}
	return written
}

// text is a document as JSON.
func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
