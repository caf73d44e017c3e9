// Package coldstart measures how long a function takes from its start as a
// process to its first answer, through Lambda's runtime interface and without
// Docker: what Lambda itself adds (a new micro-VM, the unpacking) is the same for
// every function and nothing that this project could change.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package coldstart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Runtime is the runtime interface for one function and one event.
type Runtime struct {
	event  []byte
	answer chan outcome
}

type outcome struct {
	at   time.Time
	body []byte
	err  error
}

// ServeHTTP gives the event once, then holds whoever asks for another.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	at := time.Now()
	body, _ := io.ReadAll(q.Body)
	switch {
	case strings.HasSuffix(q.URL.Path, "/invocation/next"):
		if r.event == nil {
			<-q.Context().Done()
			return
		}
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000001")
		h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(at.Add(30*time.Second).UnixMilli()))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:any")
		event := r.event
		r.event = nil
		_, _ = w.Write(event)
	// An event that is answered with an error is answered; a start that fails is not.
	case strings.HasSuffix(q.URL.Path, "/response"), strings.HasSuffix(q.URL.Path, "/error") && strings.Contains(q.URL.Path, "/invocation/"):
		w.WriteHeader(http.StatusAccepted)
		r.answer <- outcome{at: at, body: body}
	default:
		w.WriteHeader(http.StatusAccepted)
		r.answer <- outcome{err: fmt.Errorf("the function says: %s", body)}
	}
}

// Start starts a function with an event and gives the time to its answer, and
// the answer.
func Start(ctx context.Context, program string, environ []string, event []byte) (time.Duration, []byte, error) {
	r := &Runtime{event: event, answer: make(chan outcome, 1)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	server := &http.Server{Handler: r}
	go server.Serve(listener)
	defer server.Close()
	run := exec.CommandContext(ctx, program)
	run.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "PATH=" + os.Getenv("PATH")}, environ...)
	var said strings.Builder
	run.Stdout, run.Stderr = &said, &said
	begin := time.Now()
	if err := run.Start(); err != nil {
		return 0, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	var got outcome
	select {
	case got = <-r.answer:
		_ = run.Process.Kill()
		<-ended
	case err := <-ended:
		got.err = errors.Join(errors.New("it ended before it answered"), err)
	}
	if got.err != nil {
		return 0, nil, fmt.Errorf("%s: %w\n%s", program, got.err, said.String())
	}
	return got.at.Sub(begin), got.body, nil
}
