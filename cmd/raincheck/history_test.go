package main

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"raincheck/pkg/aws/stack"
	"raincheck/pkg/console"
	"raincheck/pkg/metric"
	"raincheck/pkg/operator"
	"raincheck/pkg/twin/store"
	"raincheck/test/emulators"
)

// TestTheConsoleOfManyReaders: what the console over a stack shows is kept for
// everybody who looks. Somebody who closes the page in the middle of a question
// leaves no error to the others, and every chart has its metric.
func TestTheConsoleOfManyReaders(t *testing.T) {
	t.Parallel()
	_, edge := edgeStandIn(t)
	cloudwatch := &emulators.CloudWatch{}
	server := httptest.NewServer(cloudwatch)
	t.Cleanup(server.Close)
	now := time.Date(2026, 11, 24, 12, 0, 30, 0, time.UTC)
	clock := func() time.Time { return now }
	s := &session{
		Stack: stack.Stack{Name: "raincheck", Outputs: outputs, Parameters: parameters},
		cfg: aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", "")},
	}
	minute := now.Truncate(time.Minute).Add(-5 * time.Minute)
	for i, name := range []string{"inviter.load", "inviter.admit", "inviter.waiting", "sender.sent", "intake.SignupsNew", "intake.CodesRedeemed"} {
		cloudwatch.Put(emulators.Series(metric.Namespace, name, "Stack=raincheck"), minute, float64(i+1))
	}
	d := &deployment{stack: "raincheck", Plane: operator.Plane{Desk: &store.Store{}, Edge: edge, Now: clock}}
	w := d.watched(s.history(&env{now: clock}))
	closed, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{closed, t.Context()} {
		if _, err := w.Snapshot(ctx); err != nil {
			t.Errorf("the state: %v", err)
		}
		series, err := w.Series(ctx, minute)
		if err != nil {
			t.Fatalf("the charts: %v", err)
		}
		at := -1
		for i, m := range series.Minutes {
			if m == minute.Unix() {
				at = i
			}
		}
		for i, column := range []console.Column{series.Load, series.Admit, series.Waiting, series.Invited, series.Joined, series.Redeemed} {
			if at < 0 || column[at] != float64(i+1) {
				t.Errorf("column %d has not the value of its metric", i)
			}
		}
	}
}
