package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/waitlist"
)

// The stories of what can go wrong between a claim and a mail: CASES 21 to 28,
// 31 to 33.

// mailFault makes the mail service answer some mails, by their number from 0,
// with an error: before they are accepted, or after.
func mailFault(after bool, faults map[int]error) *twin.Probe {
	n := -1
	hook := func(_ context.Context, call string) error {
		if call != "Send" {
			return nil
		}
		n++
		return faults[n]
	}
	if after {
		return &twin.Probe{After: hook}
	}
	return &twin.Probe{Before: hook}
}

func TestThrottledMailGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob", "eve")
	w.outbox.Probe = mailFault(false, map[int]error{0: email.ErrThrottled})
	w.throttle(2)
	w.minute()
	w.stages(waitlist.Waiting, refs[0], refs[2])
	w.stages(waitlist.Invited, refs[1])
	e, err := w.store.Entry(w.ctx, refs[0].Key)
	w.must(err)
	if e.Attempt != 0 || e.Code != "" || !e.Joined.Equal(noon) {
		t.Fatalf("an attempt was burned: %+v", e)
	}
	// The plan for the next minute is smaller, and the oldest is first again.
	full := w.slots(2)
	w.throttle(2)
	r := w.minute()
	if r.Claimed != 2 {
		t.Fatalf("claimed %d", r.Claimed)
	}
	if slower := w.slots(2); slower <= full {
		t.Fatalf("two mails took %v before the throttling and %v after", full, slower)
	}
	w.stages(waitlist.Invited, refs...)
	for key, n := range w.mails() {
		if n != 1 {
			t.Fatalf("%s got %d mails", key, n)
		}
	}
}

// slots is how far apart the last n mails that were asked for lay.
func (w *world) slots(n int) time.Duration {
	w.Helper()
	l, err := w.store.Lease(w.ctx, w.now.Truncate(time.Minute).Add(time.Second), w.now, w.now.Add(time.Second))
	w.must(err)
	w.must(w.store.Release(w.ctx, l.Tick))
	return l.SlotsUntil.Sub(l.Tick.Truncate(time.Minute)) / time.Duration(n)
}

func TestQuotaPausesUntilTheDayRolls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob", "eve", "tom")
	w.outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 2})
	w.throttle(3)
	// The account says three remain when the plan is made; another program then
	// uses one up.
	w.outbox.Probe = mailFault(false, map[int]error{2: email.ErrQuota})
	w.outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 3})
	w.tick()
	w.outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 2})
	w.deliver(w.now.Add(59 * time.Second))
	w.stages(waitlist.Invited, refs[:2]...)
	w.stages(waitlist.Waiting, refs[2:]...)
	c, err := w.store.Control(w.ctx)
	w.must(err)
	if !c.Paused || !strings.Contains(c.PausedBecause, "quota") || c.ResumeAt.IsZero() {
		t.Fatalf("control is %+v", c)
	}
	if w.counts["sender.quota"] < 1 {
		t.Fatalf("nothing was counted: %v", w.counts)
	}
	w.throttle(2)
	for w.now.Before(noon.Add(23 * time.Hour)) {
		w.now = w.now.Add(29 * time.Minute)
		if r := w.minute(); r.Claimed > 0 || !strings.Contains(r.Paused, "quota") || !strings.Contains(r.Because, "paused") {
			t.Fatalf("at %s: %+v", w.now, r)
		}
	}
	for range 80 {
		w.now = w.now.Add(time.Minute)
		w.minute()
	}
	w.stages(waitlist.Invited, refs[2:]...)
	if mails := w.outbox.Mails(2); len(mails) != 2 || mails[0].Tags["key"] != refs[2].Key {
		t.Fatal("the order was not kept")
	}
}

func TestSuspendedAccountStopsEverythingUntilAPersonResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob")
	w.throttle(2)
	w.tick()
	w.outbox.Allow(outbox.Allowance{PerSecond: 14, Suspended: "under review"})
	w.deliver(w.now.Add(59 * time.Second))
	w.stages(waitlist.Waiting, refs...)
	w.throttle(2)
	r := w.minute()
	if r.Claimed != 0 || !strings.Contains(r.Paused, "suspended") {
		t.Fatalf("the report is %+v", r)
	}
	w.outbox.Allow(outbox.Allowance{PerSecond: 14})
	for range 30 {
		w.minute()
	}
	if w.outbox.Len() != 0 {
		t.Fatal("it went on by itself")
	}
	w.wish(func(c *waitlist.Control) { c.Resume() })
	w.minute()
	w.stages(waitlist.Invited, refs...)
}

func TestAccountThatIsSuspendedIsSeenBeforeAnythingIsClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann")
	w.outbox.Allow(outbox.Allowance{PerSecond: 14, Suspended: "under review"})
	w.throttle(1)
	if r := w.minute(); r.Claimed != 0 || !strings.Contains(r.Paused, "under review") {
		t.Fatalf("the report is %+v", r)
	}
	w.stages(waitlist.Waiting, refs...)
	if c, _ := w.store.Control(w.ctx); !c.Paused || !c.ResumeAt.IsZero() {
		t.Fatalf("control is %+v", c)
	}
}

func TestNoAnswerWaitsForTheEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann")
	w.outbox.Probe = mailFault(true, map[int]error{0: email.ErrAmbiguous})
	w.throttle(1)
	w.minute()
	w.stages(waitlist.Sending, refs...)
	w.answers()
	w.stages(waitlist.Invited, refs...)
	for range 40 {
		w.minute()
	}
	if w.outbox.Len() != 1 {
		t.Fatalf("%d mails", w.outbox.Len())
	}
	if c, _ := w.store.Cohorts(w.ctx, noon); len(c) != 1 || c[0].Sent != 1 {
		t.Fatalf("counted %+v", c)
	}
}

func TestSilenceIsAskedAboutOnceMoreWithTheSameCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob")
	w.outbox.Probe = mailFault(true, map[int]error{0: email.ErrAmbiguous, 2: email.ErrAmbiguous})
	w.throttle(2)
	w.minute()
	first := w.code(refs[0])
	w.stages(waitlist.Sending, refs[0])
	for range 13 {
		w.minute()
	}
	if w.outbox.Len() != 2 {
		t.Fatal("it did not wait")
	}
	for range 4 {
		w.minute()
	}
	if n := w.mails()[refs[0].Key]; n != 2 || w.code(refs[0]) != first {
		t.Fatalf("%d mails, the same code: %v", n, w.code(refs[0]) == first)
	}
	w.stages(waitlist.Sending, refs[0]) // no word again
	for range 40 {
		w.minute()
	}
	w.stages(waitlist.Invited, refs...)
	if n := w.mails()[refs[0].Key]; n != 2 || w.counts["inviter.retried"] != 1 || w.counts["inviter.taken"] != 1 {
		t.Fatalf("%d mails; counted %v", n, w.counts)
	}
}

func TestSenderThatDiedBetweenWritingAndSendingIsFoundOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann")
	w.throttle(1)
	w.tick()
	m := w.queue.Receive(w.now.Add(time.Minute), 1)[0]
	w.now = m.Slot
	code, err := w.ring.IssueCode(w.now, w.now.Add(codeTTL), seeded{newSource(9)})
	w.must(err)
	_, err = w.store.Begin(w.ctx, m, waitlist.Ticket{Code: code, Expires: w.now.Add(codeTTL)}, w.now)
	w.must(err)
	// It is gone. The queue delivers the message again, too late.
	w.queue.Return(m, m.Slot.Add(visibility))
	for range 20 {
		w.minute()
	}
	w.stages(waitlist.Invited, refs...)
	if w.outbox.Len() != 1 || w.code(refs[0]) != code {
		t.Fatalf("%d mails", w.outbox.Len())
	}
}

func TestClaimThatNobodyBeganGoesBack(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name  string
		probe *twin.Probe
		lost  bool
	}{
		{"the messages were never written", once("Enqueue", false, fmt.Errorf("queue down")), false},
		{"the messages were lost", nil, true},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			refs := w.join("ann", "bob")
			w.queue.Probe = story.probe
			w.throttle(2)
			w.now = noon.Add(time.Minute)
			if _, err := w.inviter.Tick(w.ctx, w.now); (err != nil) != (story.probe != nil) {
				t.Fatalf("the tick says %v", err)
			}
			if story.lost {
				w.queue.Receive(w.now.Add(time.Hour), 10)
			}
			w.stages(waitlist.Claimed, refs...)
			for range 3 {
				w.minute()
			}
			w.stages(waitlist.Waiting, refs...)
			w.throttle(2)
			w.minute()
			w.stages(waitlist.Invited, refs...)
			if mails := w.outbox.Mails(0); len(mails) != 2 || mails[0].Tags["key"] != refs[0].Key {
				t.Fatal("not once each, in their places")
			}
		})
	}
}

func TestBatchAnswersForEachMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.crowd(10)
	w.throttle(10)
	w.tick()
	// In the order of sending: three refused, two throttled; for one, the store
	// fails before anything is written.
	faults := map[int]error{1: email.ErrRefused, 3: email.ErrRefused, 5: email.ErrRefused, 6: email.ErrThrottled, 8: email.ErrThrottled}
	w.outbox.Probe = mailFault(false, faults)
	begun := 0
	w.store.Probe = &twin.Probe{Before: func(_ context.Context, call string) error {
		if call == "Begin" {
			if begun++; begun == 5 {
				return fmt.Errorf("store down")
			}
		}
		return nil
	}}
	batch := w.queue.Receive(w.now.Add(time.Minute), 10)
	failed := w.handle(w.sender, batch)
	if len(batch) != 10 || len(failed) != 1 || failed[0] != 4 {
		t.Fatalf("of %d messages these come again: %v", len(batch), failed)
	}
	// Message 4 asked the mail service nothing, so its faults count on without it.
	w.stages(waitlist.Invited, refs[0], refs[2], refs[5], refs[8])
	w.stages(waitlist.Failed, refs[1], refs[3], refs[6])
	w.stages(waitlist.Waiting, refs[7], refs[9])
	w.stages(waitlist.Claimed, refs[4])

	// The whole batch again, as after a sender that died at its end: nobody gets
	// a second mail, and the one that was returned is past its slot by then.
	w.outbox.Probe = nil
	w.handle(w.sender, batch[:4])
	w.minute()
	w.deliver(w.now.Add(visibility))
	w.stages(waitlist.Waiting, refs[4])
	if w.outbox.Len() != 4 {
		t.Fatalf("%d mails", w.outbox.Len())
	}
}

func TestPauseInTheMiddleAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.crowd(40)
	w.outbox.Allow(outbox.Allowance{PerSecond: 0.5})
	w.throttle(40)
	if r := w.tick(); r.Claimed >= 40 || r.Claimed < 20 {
		t.Fatalf("%d were claimed for a minute's slots", r.Claimed)
	}
	w.deliver(w.now.Add(10 * time.Second))
	sent := w.outbox.Len()
	w.wish(func(c *waitlist.Control) { c.Paused = true })
	w.deliver(w.now.Add(31 * time.Second)) // the senders' notice is 30 s old at most
	sentAtPause := w.outbox.Len()
	for range 60 {
		w.minute()
	}
	if sent == 0 || w.outbox.Len() != sentAtPause {
		t.Fatalf("%d mails before the pause, %d after 30 s, %d after an hour", sent, sentAtPause, w.outbox.Len())
	}
	w.stages(waitlist.Invited, refs[:sentAtPause]...)
	w.stages(waitlist.Waiting, refs[sentAtPause:]...)
	w.wish(func(c *waitlist.Control) { c.Resume() })
	for range 4 {
		w.throttle(40)
		w.minute()
	}
	w.stages(waitlist.Invited, refs...)
	for i, m := range w.outbox.Mails(0) {
		if m.Tags["key"] != refs[i].Key {
			t.Fatalf("mail %d went to somebody else than the next in the line", i)
		}
	}
}

func TestPauseKeepsTheSecondAttemptForLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann")
	w.outbox.Probe = mailFault(true, map[int]error{0: email.ErrAmbiguous})
	w.throttle(1)
	w.minute()
	w.wish(func(c *waitlist.Control) { c.Paused = true })
	for range 60 {
		w.minute()
	}
	w.stages(waitlist.Sending, refs...)
	w.wish(func(c *waitlist.Control) { c.Resume() })
	for range 8 {
		w.minute()
	}
	w.stages(waitlist.Invited, refs...)
	if w.outbox.Len() != 2 {
		t.Fatalf("%d mails", w.outbox.Len())
	}
}

func TestThrottledSecondAttemptIsNotBurned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann")
	w.outbox.Probe = mailFault(false, map[int]error{0: email.ErrAmbiguous, 1: email.ErrThrottled})
	w.throttle(1)
	for range 18 {
		w.minute()
	}
	w.stages(waitlist.Sending, refs...)
	e, _ := w.store.Entry(w.ctx, refs[0].Key)
	if e.Attempt != 1 {
		t.Fatalf("attempt %d", e.Attempt)
	}
	for range 10 {
		w.minute()
	}
	w.stages(waitlist.Invited, refs...)
}

func TestPoisonStopsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob", "eve")
	w.must(w.store.Damage(w.ctx, refs[0].Key))
	w.throttle(3)
	w.tick()
	w.must(w.store.Damage(w.ctx, refs[1].Key))
	w.deliver(w.now.Add(59 * time.Second))
	w.stages(waitlist.Failed, refs[:2]...)
	w.stages(waitlist.Invited, refs[2])
	if w.counts["inviter.buried"] != 1 || w.counts["sender.failed"] != 1 {
		t.Fatalf("counted %v", w.counts)
	}
}

func TestStalledQueueThatDeliversAnHourAtOnceIsHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.crowd(200)
	w.outbox.Allow(outbox.Allowance{PerSecond: 2})
	var held []waitlist.Message
	for range 60 {
		w.throttle(100)
		w.tick()
		held = append(held, w.queue.Receive(w.now.Add(time.Hour), 1000)...)
		w.now = w.now.Add(50 * time.Second)
	}
	if len(held) < 1000 {
		t.Fatalf("only %d messages were held", len(held))
	}
	for len(held) > 0 {
		n := min(10, len(held))
		w.handle(w.sender, held[:n])
		held = held[n:]
	}
	if n := w.outbox.Len(); n > 100 {
		t.Fatalf("%d mails of an hour's messages were sent", n)
	}
	for range 10 {
		w.throttle(100)
		w.minute()
	}
	w.stages(waitlist.Invited, refs...)
	for key, n := range w.mails() {
		if n != 1 {
			t.Fatalf("%s got %d mails", key, n)
		}
	}
}

func TestCodeThatIsTakenIsDrawnAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob")
	w.throttle(2)
	w.tick()
	batch := w.queue.Receive(w.now.Add(time.Minute), 10)
	// Two senders that draw the same numbers in the same minute.
	w.handle(w.newSender(7), batch[:1])
	w.handle(w.newSender(7), batch[1:])
	w.stages(waitlist.Invited, refs...)
	if w.code(refs[0]) == w.code(refs[1]) {
		t.Fatal("two people have one code")
	}
}

func TestWhoLeavesGetsNoMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob")
	w.throttle(2)
	w.tick()
	w.must(w.store.Leave(w.ctx, refs[0], w.now))
	w.deliver(w.now.Add(59 * time.Second))
	w.stages(waitlist.Left, refs[0])
	if n := w.mails(); n[refs[0].Key] != 0 || n[refs[1].Key] != 1 {
		t.Fatalf("mails: %v", n)
	}
}

// CASES 36: who leaves while nobody knows whether the mail went out gets no
// second one.
func TestWhoLeavesWhileSendingGetsNoSecondMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob")
	w.outbox.Probe = mailFault(true, map[int]error{0: email.ErrAmbiguous, 1: email.ErrAmbiguous})
	w.throttle(2)
	w.minute()
	w.stages(waitlist.Sending, refs...)
	w.must(w.store.Leave(w.ctx, refs[0], w.now))
	for range 20 {
		w.minute()
	}
	w.stages(waitlist.Left, refs[0])
	if n := w.mails(); n[refs[0].Key] != 1 || n[refs[1].Key] != 2 {
		t.Fatalf("mails: %v", n)
	}
}

func TestSentAndNotRecordedIsRecordedByItsEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann")
	w.store.Probe = once("Accept", false, fmt.Errorf("store down"))
	w.throttle(1)
	w.minute()
	w.stages(waitlist.Sending, refs...)
	w.answers()
	w.stages(waitlist.Invited, refs...)
	if w.counts["sender.unrecorded"] != 1 || w.outbox.Len() != 1 {
		t.Fatalf("counted %v", w.counts)
	}
}

func TestEventsMayComeTwiceLateAndInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob", "eve", "tom")
	w.outbox.Probe = mailFault(true, map[int]error{0: email.ErrAmbiguous})
	w.throttle(4)
	w.minute()
	mails := w.outbox.Mails(0)
	tell := func(i int, kinds ...feedback.Kind) {
		t.Helper()
		for _, k := range kinds {
			w.must(w.feedback.Handle(w.ctx, w.event(k, mails[i])))
		}
	}
	tell(0, feedback.HardBounce, feedback.Sent, feedback.HardBounce) // the bounce before the send
	w.stages(waitlist.Bounced, refs[0])
	tell(1, feedback.Delivered, feedback.Complaint, feedback.Complaint, feedback.Sent)
	w.stages(waitlist.Bounced, refs[1])
	tell(2, feedback.SoftBounce, feedback.Delayed, feedback.NotSpam, feedback.Rejected, feedback.Other)
	w.stages(waitlist.Invited, refs[2])
	w.redeem(refs[3], "phone")
	tell(3, feedback.Delivered, feedback.Complaint)
	w.stages(waitlist.Used, refs[3])
	for i, suppressed := range []bool{true, true, false, true} {
		e, err := w.store.Entry(w.ctx, refs[i].Key)
		w.must(err)
		if e.Suppressed != suppressed {
			t.Fatalf("person %d: suppressed %v", i, e.Suppressed)
		}
	}
	if c, _ := w.store.Cohorts(w.ctx, noon); c[0].Sent != 4 || c[0].Redeemed != 1 {
		t.Fatalf("counted %+v", c)
	}
}
