package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"raincheck/functions/internal/report"
	"raincheck/pkg/waitlist"
)

// TestSampleEvents reads the batch of events/ as the function does: two messages
// for the sender, of which the store fails for one, and one that is none of ours.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../events/sender-batch.json")
	if err != nil {
		t.Fatal(err)
	}
	var event events.SQSEvent
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	log := report.Logger(io.Discard)
	var got []waitlist.Message
	handle := handler(func(_ context.Context, batch []waitlist.Message) []int { got = batch; return []int{1} }, &report.Meter{Out: io.Discard, Now: time.Now}, log)
	answer, err := handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.Date(2026, 3, 2, 16, 5, 0, 0, time.UTC)
	message := func(key string) waitlist.Message {
		return waitlist.Message{Ref: waitlist.Ref{Key: key, Joining: 54064}, Claim: tick, Slot: tick.Add(2 * time.Second), Attempt: 1}
	}
	if want := []waitlist.Message{message("JJUpaw4blWC-JshwPsTbtxqQtpF1"), message("vFTrgG8sRzoPSZpVGEDtYYhVhThT")}; !slices.Equal(got, want) {
		t.Errorf("the sender is given %+v", got)
	}
	var again []string
	for _, f := range answer.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	if want := []string{event.Records[2].MessageId, event.Records[1].MessageId}; !slices.Equal(again, want) {
		t.Errorf("to come again: %q, not %q", again, want)
	}
}
