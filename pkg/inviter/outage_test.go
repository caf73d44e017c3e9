package inviter_test

import (
	"context"
	"testing"
	"time"

	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// docs/faults.md, row 18, behind the door: the store is gone for ten minutes in the middle of a
// wave, with some mailed, some claimed and some waiting. The edge keeps what it
// has, nobody is mailed meanwhile, and afterwards all goes on by itself: everybody
// once, and in order.
func TestStoreThatIsDownForTenMinutesLosesNobody(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Outbox.Allow(outbox.Allowance{PerSecond: 0.2}) // ten a minute
	refs := w.Crowd(30)
	w.Throttle(30)
	w.Tick()
	w.Deliver(w.Now.Add(20 * time.Second))
	w.ReportSent()
	mailed := w.Outbox.Len()
	if mailed == 0 || mailed > 10 {
		t.Fatalf("%d mails before the outage", mailed)
	}
	before, _, err := w.Edge.Gate(w.Ctx)
	w.Must(err)

	w.Store.Probe = &twin.Probe{Before: func(context.Context, string) error { return waitlist.ErrBusy }}
	for end := w.Now.Add(10 * time.Minute); w.Now.Before(end); {
		w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
		if _, err := w.Inviter.Tick(w.Ctx, w.Now); err == nil {
			t.Fatal("a tick saw nothing of the outage")
		}
		w.Deliver(w.Now.Add(59 * time.Second))
	}
	if n := w.Outbox.Len(); n != mailed {
		t.Fatalf("%d mails went out while nothing could be written down", n-mailed)
	}
	if after, _, err := w.Edge.Gate(w.Ctx); err != nil || after.Mode != before.Mode || after.Admit != before.Admit || after.Switched != before.Switched {
		t.Fatalf("the gate became %v, %v", after, err)
	}
	if w.Counts["inviter.blind"] == 0 || w.Counts["sender.store"] == 0 {
		t.Fatalf("nothing for an alarm: %v", w.Counts)
	}

	w.Store.Probe = nil
	for range 12 {
		w.Throttle(30)
		w.Minute()
		w.ReportSent()
	}
	w.WantStage(waitlist.Invited, refs...)
	order := map[string]int{}
	for i, m := range w.Outbox.Mails(0) {
		if _, twice := order[m.Tags["key"]]; twice {
			t.Fatal("somebody was mailed twice")
		}
		order[m.Tags["key"]] = i
	}
	for i := range refs[1:] {
		if order[refs[i].Key] > order[refs[i+1].Key] {
			t.Fatalf("number %d was mailed after number %d", i, i+1)
		}
	}
}
