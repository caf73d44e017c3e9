package store_test

import (
	"context"
	"testing"
	"time"

	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/waitlist"
)

// CASES 18, behind the door: the store is gone for ten minutes in the middle of a
// wave, with some mailed, some claimed and some waiting. The edge keeps what it
// has, nobody is mailed meanwhile, and afterwards all goes on by itself: everybody
// once, and in order.
func TestStoreThatIsDownForTenMinutesLosesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.outbox.Allow(outbox.Allowance{PerSecond: 0.2}) // ten a minute
	refs := w.crowd(30)
	w.throttle(30)
	w.tick()
	w.deliver(w.now.Add(20 * time.Second))
	w.answers()
	mailed := w.outbox.Len()
	if mailed == 0 || mailed > 10 {
		t.Fatalf("%d mails before the outage", mailed)
	}
	before, _, err := w.edge.Gate(w.ctx)
	w.must(err)

	w.store.Probe = &twin.Probe{Before: func(context.Context, string) error { return waitlist.ErrBusy }}
	for end := w.now.Add(10 * time.Minute); w.now.Before(end); {
		w.now = w.now.Truncate(time.Minute).Add(time.Minute)
		if _, err := w.inviter.Tick(w.ctx, w.now); err == nil {
			t.Fatal("a tick saw nothing of the outage")
		}
		w.deliver(w.now.Add(59 * time.Second))
	}
	if n := w.outbox.Len(); n != mailed {
		t.Fatalf("%d mails went out while nothing could be written down", n-mailed)
	}
	if after, _, err := w.edge.Gate(w.ctx); err != nil || after.Mode != before.Mode || after.Admit != before.Admit || after.Switched != before.Switched {
		t.Fatalf("the gate became %v, %v", after, err)
	}
	if w.counts["inviter.blind"] == 0 || w.counts["sender.store"] == 0 {
		t.Fatalf("nothing for an alarm: %v", w.counts)
	}

	w.store.Probe = nil
	for range 12 {
		w.throttle(30)
		w.minute()
		w.answers()
	}
	w.stages(waitlist.Invited, refs...)
	order := map[string]int{}
	for i, m := range w.outbox.Mails(0) {
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
