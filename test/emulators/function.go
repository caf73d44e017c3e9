package emulators

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/test/template"
)

// BuildFunctions builds Lambda functions of functions/ as `make build` does and
// gives the folder, in which each is NAME/bootstrap.
func BuildFunctions(t testing.TB, names []string, environ ...string) string {
	t.Helper()
	root, out := filepath.Join(folder(), "..", ".."), t.TempDir()
	for _, name := range names {
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s", "-tags=lambda.norpc,nethttpomithttp2", "-o", filepath.Join(out, name, "bootstrap"), "./functions/"+name)
		build.Dir = root
		build.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="), environ...)
		if said, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", name, err, said)
		}
	}
	return out
}

// Functions lists the Lambda functions through which a person goes; the canary
// (smoke) is one more, and goes through them.
func Functions() []string { return []string{"intake", "inviter", "sender", "feedback"} }

// Logical is the function's name in the template.
func Logical(function string) string {
	return strings.ToUpper(function[:1]) + function[1:] + "Function"
}

// Function is a Lambda function that runs: its real program, with its real main,
// asked through Lambda's runtime interface by one event after the other.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type Function struct {
	timeout time.Duration
	events  chan invocation
	ended   chan struct{} // closed when the program has ended
	output  lockedBuffer

	mu     sync.Mutex // one event at a time, as in Lambda
	number int
	answer chan outcome
}

type invocation struct {
	id       string
	deadline time.Time
	body     []byte
}

type outcome struct {
	id   string
	body []byte
	err  error
}

// FunctionError is what a function answered instead of a result.
type FunctionError struct{ Said string }

// Error says what the function said.
func (e *FunctionError) Error() string { return "the function failed: " + e.Said }

// StartFunction starts a program as a function that has that long for an event.
// It ends with the test.
func StartFunction(t testing.TB, program string, timeout time.Duration, environ []string) *Function {
	t.Helper()
	f := &Function{timeout: timeout, events: make(chan invocation), ended: make(chan struct{}), answer: make(chan outcome, 1)}
	server := serve(t, "127.0.0.1", f)
	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, program)
	run.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://")}, environ...)
	run.Stdout, run.Stderr = &f.output, &f.output
	if err := run.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() {
		_ = run.Wait() // it is killed at the end, and what it says is in the output
		close(f.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-f.ended
	})
	return f
}

// Output is all that the function has logged.
func (f *Function) Output() string { return f.output.String() }

// Invoke gives the function an event and waits for its answer. Whoever asks while
// another event is under way waits; Lambda would start a second process. An
// answer that is an error is a *FunctionError; Lambda ends a function that is past
// its time, and so does this.
func (f *Function) Invoke(event []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.number++
	call := invocation{fmt.Sprintf("00000000-0000-4000-8000-%012d", f.number), time.Now().Add(f.timeout), event}
	late := time.NewTimer(f.timeout)
	defer late.Stop()
	select {
	case f.events <- call:
	case <-f.ended:
		return nil, errors.New("the function has ended:\n" + f.Output())
	case <-late.C:
		return nil, errors.New("the function does not ask for an event")
	}
	select {
	case got := <-f.answer:
		if got.id != call.id {
			return nil, fmt.Errorf("the function answered %s and was asked %s", got.id, call.id)
		}
		return got.body, got.err
	case <-f.ended:
		return nil, errors.New("the function ended before it answered:\n" + f.Output())
	case <-late.C:
		return nil, fmt.Errorf("the function did not answer within its %s", f.timeout)
	}
}

// ServeHTTP is the runtime interface.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"), "/")
	if len(path) == 2 && path[1] == "next" {
		select {
		case call := <-f.events:
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(call.deadline.UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+Region+":"+template.Account+":function:any")
			_, _ = w.Write(call.body) // a program that has gone is seen by its end
		case <-r.Context().Done():
		}
		return
	}
	body, err := io.ReadAll(r.Body)
	got := outcome{body: body, err: err}
	if len(path) == 3 {
		got.id = path[1]
	}
	if path[len(path)-1] == "error" {
		got.err = &FunctionError{string(body)}
	}
	w.WriteHeader(http.StatusAccepted)
	f.answer <- got
}
