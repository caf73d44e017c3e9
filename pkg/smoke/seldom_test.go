package smoke_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/smoke"
)

// TestTheGateIsReadSeldom: once in half an hour while it is in force, and by every
// canary while it is not.
func TestTheGateIsReadSeldom(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	reads, failed := 0, error(nil)
	next := smoke.Seldom(func(context.Context) (gate.Gate, string, error) {
		reads++
		return gate.Gate{Mode: gate.Open}, "an etag", failed
	}, func() time.Time { return now })
	hour := func() int {
		t.Helper()
		reads = 0
		for range 12 {
			if look := next(); look != nil {
				_, _ = look(t.Context()) // the canary's own to report
			}
			now = now.Add(5 * time.Minute)
		}
		return reads
	}
	if n := hour(); n != 2 {
		t.Errorf("%d reads in an hour, want 2", n)
	}
	failed = errors.New("the store is down")
	if n := hour(); n != 12 {
		t.Errorf("%d reads in an hour without an answer, want 12", n)
	}
}
