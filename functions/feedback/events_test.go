package main

import (
	"os"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/metric"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// TestSampleEvents plays the files of events/ to the function, each to an entry
// whose mail is on its way.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	const key = "JJUpaw4blWC-JshwPsTbtxqQtpF1"
	at := time.Date(2026, 3, 2, 16, 5, 0, 0, time.UTC)
	for name, want := range map[string]struct {
		stage waitlist.Stage
		count metric.Name
	}{
		"feedback-send":      {waitlist.Invited, "feedback.sent"},
		"feedback-delivery":  {waitlist.Invited, "feedback.delivered"},
		"feedback-delay":     {waitlist.Invited, "feedback.delayed"},
		"feedback-bounce":    {waitlist.Bounced, "feedback.hardbounce"},
		"feedback-complaint": {waitlist.Bounced, "feedback.complaint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &store.Store{}
			address, err := email.Parse("jordan@example.com")
			must(t, err)
			joined, err := store.Join(t.Context(), waitlist.Signup{Key: key, Address: address, Language: "en", At: at, Shards: 1})
			must(t, err)
			must(t, store.Claim(t.Context(), waitlist.Place{Ref: joined.Ref, When: at}, at, at.Add(waitlist.Grace)))
			m := waitlist.Message{Ref: joined.Ref, Claim: at, Slot: at, Attempt: 1}
			_, err = store.Begin(t.Context(), m, waitlist.Ticket{Code: bypass.Code("0CC06G0G40R4JTHWEXEW"), Expires: at.Add(4 * time.Hour)}, at)
			must(t, err)

			counts := map[metric.Name]float64{}
			service := feedback.Service{Store: store, Configuration: "raincheck", Now: time.Now, Count: func(name metric.Name, n float64) { counts[name] += n }}
			event, err := os.ReadFile("../../events/" + name + ".json")
			must(t, err)
			must(t, service.Receive(t.Context(), event))
			if entry, err := store.Entry(t.Context(), key); err != nil || entry.Stage != want.stage {
				t.Errorf("the entry is %+v, %v; it was to be %v", entry, err, want.stage)
			}
			if counts[want.count] != 1 || len(counts) != 1 {
				t.Errorf("counted %v", counts)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
