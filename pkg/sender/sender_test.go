package sender_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/site"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// The stories of what can go wrong between a claim and a mail: docs/faults.md, rows 21 to 28,
// 31 to 33, 36.

// A mail service that is down is said once a minute, not once a mail, and not never.
func TestAServiceThatIsDownIsLogged(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Join("ann", "bob", "eve", "joe")
	var log strings.Builder
	w.Sender.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.Outbox.Probe = twintest.MailFault(false, map[int]error{0: email.ErrNotSent, 1: email.ErrNotSent, 2: email.ErrNotSent, 3: email.ErrThrottled})
	for want := 1; want <= 2; want++ {
		w.Throttle(2)
		w.Minute()
		if n := strings.Count(log.String(), "not taken"); n != want {
			t.Errorf("%d lines after minute %d:\n%s", n, want, log.String())
		}
	}
}

func TestThrottledMailGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob", "eve")
	w.Outbox.Probe = twintest.MailFault(false, map[int]error{0: email.ErrThrottled})
	w.Throttle(2)
	w.Minute()
	w.WantStage(waitlist.Waiting, refs[0], refs[2])
	w.WantStage(waitlist.Invited, refs[1])
	e, err := w.Store.Entry(w.Ctx, refs[0].Key)
	w.Must(err)
	if e.Attempt != 0 || e.Code != "" || !e.Joined.Equal(twintest.Noon) {
		t.Fatalf("an attempt was burned: %+v", e)
	}
	// The plan for the next minute is smaller, and the oldest is first again.
	full := slots(w, 2)
	w.Throttle(2)
	r := w.Minute()
	if r.Claimed != 2 {
		t.Fatalf("claimed %d", r.Claimed)
	}
	if slower := slots(w, 2); slower <= full {
		t.Fatalf("two mails took %v before the throttling and %v after", full, slower)
	}
	w.WantStage(waitlist.Invited, refs...)
	for key, n := range w.Mails() {
		if n != 1 {
			t.Fatalf("%s got %d mails", key, n)
		}
	}
}

// slots is how far apart the last n mails that were asked for lay.
func slots(w *twintest.World, n int) time.Duration {
	w.Helper()
	l, err := w.Store.Lease(w.Ctx, w.Now.Truncate(time.Minute).Add(time.Second), w.Now, w.Now.Add(time.Second))
	w.Must(err)
	w.Must(w.Store.Release(w.Ctx, l.Tick))
	return l.SlotsUntil.Sub(l.Tick.Truncate(time.Minute)) / time.Duration(n)
}

func TestQuotaPausesUntilTheDayRolls(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob", "eve", "tom")
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 2})
	w.Throttle(3)
	// The account says three remain when the plan is made; another program then
	// uses one up.
	w.Outbox.Probe = twintest.MailFault(false, map[int]error{2: email.ErrQuota})
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 3})
	w.Tick()
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 2})
	w.Deliver(w.Now.Add(59 * time.Second))
	w.WantStage(waitlist.Invited, refs[:2]...)
	w.WantStage(waitlist.Waiting, refs[2:]...)
	c, err := w.Store.Control(w.Ctx)
	w.Must(err)
	if !c.Paused || !strings.Contains(c.PausedBecause, "quota") || c.ResumeAt.IsZero() {
		t.Fatalf("control is %+v", c)
	}
	if w.Counts["sender.quota"] < 1 {
		t.Fatalf("nothing was counted: %v", w.Counts)
	}
	w.Throttle(2)
	for w.Now.Before(twintest.Noon.Add(23 * time.Hour)) {
		w.Now = w.Now.Add(29 * time.Minute)
		if r := w.Minute(); r.Claimed > 0 || !strings.Contains(r.Paused, "quota") || !strings.Contains(r.Because, "paused") {
			t.Fatalf("at %s: %+v", w.Now, r)
		}
	}
	for range 80 {
		w.Now = w.Now.Add(time.Minute)
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs[2:]...)
	if mails := w.Outbox.Mails(2); len(mails) != 2 || mails[0].Tags["key"] != refs[2].Key {
		t.Fatal("the order was not kept")
	}
}

func TestSuspendedAccountStopsEverythingUntilAPersonResumes(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob")
	w.Throttle(2)
	w.Tick()
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14, Suspended: "under review"})
	w.Deliver(w.Now.Add(59 * time.Second))
	w.WantStage(waitlist.Waiting, refs...)
	w.Throttle(2)
	r := w.Minute()
	if r.Claimed != 0 || !strings.Contains(r.Paused, "suspended") {
		t.Fatalf("the report is %+v", r)
	}
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14})
	for range 30 {
		w.Minute()
	}
	if w.Outbox.Len() != 0 {
		t.Fatal("it went on by itself")
	}
	w.Operate(func(c *waitlist.Control) { c.Resume() })
	w.Minute()
	w.WantStage(waitlist.Invited, refs...)
}

func TestAccountThatIsSuspendedIsSeenBeforeAnythingIsClaimed(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14, Suspended: "under review"})
	w.Throttle(1)
	if r := w.Minute(); r.Claimed != 0 || !strings.Contains(r.Paused, "under review") {
		t.Fatalf("the report is %+v", r)
	}
	w.WantStage(waitlist.Waiting, refs...)
	if c, _ := w.Store.Control(w.Ctx); !c.Paused || !c.ResumeAt.IsZero() {
		t.Fatalf("control is %+v", c)
	}
}

func TestNoAnswerWaitsForTheEvent(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	w.Outbox.Probe = twintest.MailFault(true, map[int]error{0: email.ErrAmbiguous})
	w.Throttle(1)
	w.Minute()
	w.WantStage(waitlist.Sending, refs...)
	w.ReportSent()
	w.WantStage(waitlist.Invited, refs...)
	for range 40 {
		w.Minute()
	}
	if w.Outbox.Len() != 1 {
		t.Fatalf("%d mails", w.Outbox.Len())
	}
	if c, _ := w.Store.Cohorts(w.Ctx, twintest.Noon); len(c) != 1 || c[0].Sent != 1 {
		t.Fatalf("counted %+v", c)
	}
}

func TestSilenceIsAskedAboutOnceMoreWithTheSameCode(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob")
	w.Outbox.Probe = twintest.MailFault(true, map[int]error{0: email.ErrAmbiguous, 2: email.ErrAmbiguous})
	w.Throttle(2)
	w.Minute()
	first := w.Code(refs[0])
	w.WantStage(waitlist.Sending, refs[0])
	for range 13 {
		w.Minute()
	}
	if w.Outbox.Len() != 2 {
		t.Fatal("it did not wait")
	}
	for range 4 {
		w.Minute()
	}
	if n := w.Mails()[refs[0].Key]; n != 2 || w.Code(refs[0]) != first {
		t.Fatalf("%d mails, the same code: %v", n, w.Code(refs[0]) == first)
	}
	w.WantStage(waitlist.Sending, refs[0]) // no word again
	for range 40 {
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs...)
	if n := w.Mails()[refs[0].Key]; n != 2 || w.Counts["inviter.retried"] != 1 || w.Counts["inviter.taken"] != 1 {
		t.Fatalf("%d mails; counted %v", n, w.Counts)
	}
}

func TestSenderThatDiedBetweenWritingAndSendingIsFoundOut(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	w.Throttle(1)
	w.Tick()
	m := w.Queue.Receive(w.Now.Add(time.Minute), 1)[0]
	w.Now = m.Slot
	code, err := w.Ring.IssueCode(w.Now, w.Now.Add(twintest.CodeTTL), twintest.Random(9))
	w.Must(err)
	_, err = w.Store.Begin(w.Ctx, m, waitlist.Ticket{Code: code, Expires: w.Now.Add(twintest.CodeTTL)}, w.Now)
	w.Must(err)
	// It is gone. The queue delivers the message again, too late.
	w.Queue.Return(m, m.Slot.Add(twintest.Visibility))
	for range 20 {
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs...)
	if w.Outbox.Len() != 1 || w.Code(refs[0]) != code {
		t.Fatalf("%d mails", w.Outbox.Len())
	}
}

func TestClaimThatNobodyBeganGoesBack(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name  string
		probe *twin.Probe
		lost  bool
	}{
		{"the messages were never written", twintest.Once("Enqueue", false, fmt.Errorf("queue down")), false},
		{"the messages were lost", nil, true},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			w := twintest.NewWorld(t)
			refs := w.Join("ann", "bob")
			w.Queue.Probe = story.probe
			w.Throttle(2)
			w.Now = twintest.Noon.Add(time.Minute)
			if _, err := w.Inviter.Tick(w.Ctx, w.Now); (err != nil) != (story.probe != nil) {
				t.Fatalf("the tick says %v", err)
			}
			if story.lost {
				w.Queue.Receive(w.Now.Add(time.Hour), 10)
			}
			w.WantStage(waitlist.Claimed, refs...)
			for range 3 {
				w.Minute()
			}
			w.WantStage(waitlist.Waiting, refs...)
			w.Throttle(2)
			w.Minute()
			w.WantStage(waitlist.Invited, refs...)
			if mails := w.Outbox.Mails(0); len(mails) != 2 || mails[0].Tags["key"] != refs[0].Key {
				t.Fatal("not once each, in their places")
			}
		})
	}
}

func TestBatchAnswersForEachMessage(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(10)
	w.Throttle(10)
	w.Tick()
	// In the order of sending: three refused, two throttled; for one, the store
	// fails before anything is written.
	faults := map[int]error{1: email.ErrRecipient, 3: email.ErrRecipient, 5: email.ErrRecipient, 6: email.ErrThrottled, 8: email.ErrThrottled}
	w.Outbox.Probe = twintest.MailFault(false, faults)
	begun := 0
	w.Store.Probe = &twin.Probe{Before: func(_ context.Context, call string) error {
		if call == "Begin" {
			if begun++; begun == 5 {
				return fmt.Errorf("store down")
			}
		}
		return nil
	}}
	batch := w.Queue.Receive(w.Now.Add(time.Minute), 10)
	failed := w.Handle(w.Sender, batch)
	if len(batch) != 10 || len(failed) != 1 || failed[0] != 4 {
		t.Fatalf("of %d messages these come again: %v", len(batch), failed)
	}
	// Message 4 asked the mail service nothing, so its faults count on without it.
	w.WantStage(waitlist.Invited, refs[0], refs[2], refs[5], refs[8])
	w.WantStage(waitlist.Failed, refs[1], refs[3], refs[6])
	w.WantStage(waitlist.Waiting, refs[7], refs[9])
	w.WantStage(waitlist.Claimed, refs[4])

	// The whole batch again, as after a sender that died at its end: nobody gets
	// a second mail, and the one that was returned is past its slot by then.
	w.Outbox.Probe = nil
	w.Handle(w.Sender, batch[:4])
	w.Minute()
	w.Deliver(w.Now.Add(twintest.Visibility))
	w.WantStage(waitlist.Waiting, refs[4])
	if w.Outbox.Len() != 4 {
		t.Fatalf("%d mails", w.Outbox.Len())
	}
}

func TestPauseInTheMiddleAndResume(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(40)
	w.Outbox.Allow(outbox.Allowance{PerSecond: 0.5})
	w.Throttle(40)
	if r := w.Tick(); r.Claimed >= 40 || r.Claimed < 20 {
		t.Fatalf("%d were claimed for a minute's slots", r.Claimed)
	}
	w.Deliver(w.Now.Add(10 * time.Second))
	sent := w.Outbox.Len()
	w.Operate(func(c *waitlist.Control) { c.Paused = true })
	w.Deliver(w.Now.Add(31 * time.Second)) // the senders' notice is 30 s old at most
	sentAtPause := w.Outbox.Len()
	for range 60 {
		w.Minute()
	}
	if sent == 0 || w.Outbox.Len() != sentAtPause {
		t.Fatalf("%d mails before the pause, %d after 30 s, %d after an hour", sent, sentAtPause, w.Outbox.Len())
	}
	w.WantStage(waitlist.Invited, refs[:sentAtPause]...)
	w.WantStage(waitlist.Waiting, refs[sentAtPause:]...)
	w.Operate(func(c *waitlist.Control) { c.Resume() })
	for range 4 {
		w.Throttle(40)
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs...)
	for i, m := range w.Outbox.Mails(0) {
		if m.Tags["key"] != refs[i].Key {
			t.Fatalf("mail %d went to somebody else than the next in the line", i)
		}
	}
}

func TestPauseKeepsTheSecondAttemptForLater(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	w.Outbox.Probe = twintest.MailFault(true, map[int]error{0: email.ErrAmbiguous})
	w.Throttle(1)
	w.Minute()
	w.Operate(func(c *waitlist.Control) { c.Paused = true })
	for range 60 {
		w.Minute()
	}
	w.WantStage(waitlist.Sending, refs...)
	w.Operate(func(c *waitlist.Control) { c.Resume() })
	for range 8 {
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs...)
	if w.Outbox.Len() != 2 {
		t.Fatalf("%d mails", w.Outbox.Len())
	}
}

func TestThrottledSecondAttemptIsNotBurned(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	w.Outbox.Probe = twintest.MailFault(false, map[int]error{0: email.ErrAmbiguous, 1: email.ErrThrottled})
	w.Throttle(1)
	for range 18 {
		w.Minute()
	}
	w.WantStage(waitlist.Sending, refs...)
	e, _ := w.Store.Entry(w.Ctx, refs[0].Key)
	if e.Attempt != 1 {
		t.Fatalf("attempt %d", e.Attempt)
	}
	for range 10 {
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs...)
}

func TestPoisonStopsNobody(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob", "eve")
	w.Must(w.Store.Damage(w.Ctx, refs[0].Key))
	w.Throttle(3)
	w.Tick()
	w.Must(w.Store.Damage(w.Ctx, refs[1].Key))
	w.Deliver(w.Now.Add(59 * time.Second))
	w.WantStage(waitlist.Failed, refs[:2]...)
	w.WantStage(waitlist.Invited, refs[2])
	if w.Counts["inviter.buried"] != 1 || w.Counts["sender.failed"] != 1 {
		t.Fatalf("counted %v", w.Counts)
	}
}

func TestStalledQueueThatDeliversAnHourAtOnceIsHarmless(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(200)
	w.Outbox.Allow(outbox.Allowance{PerSecond: 2})
	var held []waitlist.Message
	for range 60 {
		w.Throttle(100)
		w.Tick()
		held = append(held, w.Queue.Receive(w.Now.Add(time.Hour), 1000)...)
		w.Now = w.Now.Add(50 * time.Second)
	}
	if len(held) < 1000 {
		t.Fatalf("only %d messages were held", len(held))
	}
	for len(held) > 0 {
		n := min(10, len(held))
		w.Handle(w.Sender, held[:n])
		held = held[n:]
	}
	if n := w.Outbox.Len(); n > 100 {
		t.Fatalf("%d mails of an hour's messages were sent", n)
	}
	for range 10 {
		w.Throttle(100)
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs...)
	for key, n := range w.Mails() {
		if n != 1 {
			t.Fatalf("%s got %d mails", key, n)
		}
	}
}

func TestCodeThatIsTakenIsDrawnAgain(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob")
	w.Throttle(2)
	w.Tick()
	batch := w.Queue.Receive(w.Now.Add(time.Minute), 10)
	// Two senders that draw the same numbers in the same minute.
	w.Handle(w.NewSender(7), batch[:1])
	w.Handle(w.NewSender(7), batch[1:])
	w.WantStage(waitlist.Invited, refs...)
	if w.Code(refs[0]) == w.Code(refs[1]) {
		t.Fatal("two people have one code")
	}
}

func TestWhoLeavesGetsNoMail(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob")
	w.Throttle(2)
	w.Tick()
	w.Must(w.Store.Leave(w.Ctx, refs[0], w.Now))
	w.Deliver(w.Now.Add(59 * time.Second))
	w.WantStage(waitlist.Left, refs[0])
	if n := w.Mails(); n[refs[0].Key] != 0 || n[refs[1].Key] != 1 {
		t.Fatalf("mails: %v", n)
	}
}

// docs/faults.md, row 36: who leaves while nobody knows whether the mail went out gets no
// second one.
func TestWhoLeavesWhileSendingGetsNoSecondMail(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob")
	w.Outbox.Probe = twintest.MailFault(true, map[int]error{0: email.ErrAmbiguous, 1: email.ErrAmbiguous})
	w.Throttle(2)
	w.Minute()
	w.WantStage(waitlist.Sending, refs...)
	w.Must(w.Store.Leave(w.Ctx, refs[0], w.Now))
	for range 20 {
		w.Minute()
	}
	w.WantStage(waitlist.Left, refs[0])
	if n := w.Mails(); n[refs[0].Key] != 1 || n[refs[1].Key] != 2 {
		t.Fatalf("mails: %v", n)
	}
}

// TestMailsSayWhatTheOperatorSays: name, colour, contact and zone come from the
// words of the person's language, by one read a minute and none a mail.
func TestMailsSayWhatTheOperatorSays(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	probe := &twin.Probe{}
	w.Store.Probe = probe
	eastern := site.Zone{Name: "America/New_York", Changes: []site.Change{{At: 1, Offset: -5 * 3600, Abbreviation: "EST"}}}
	words := site.Words{Name: "State Benefits", Colour: "#112e51", Contact: "Questions? Call us.", Telephone: "+1 800 555 0100", Zone: eastern, ZoneName: "Eastern time"}
	w.Must(w.Store.SaveWords(w.Ctx, "en", words))
	w.Join("ann", "bob", "eve", "tom", "zoe")
	w.Throttle(5)
	w.Tick()
	probe.Reset()
	w.Deliver(w.Now.Add(59 * time.Second))
	mails := w.Outbox.Mails(0)
	if len(mails) != 5 || probe.Calls()["Words"] != 1 {
		t.Fatalf("%d mails after %d reads of the words", len(mails), probe.Calls()["Words"])
	}
	for _, m := range mails {
		if m.From != `"State Benefits" <invitations@example.com>` || !strings.Contains(m.Subject, "(Eastern time)") ||
			!strings.Contains(m.HTML, "#112e51") || !strings.Contains(m.Text, "Questions? Call us. +1 800 555 0100") {
			t.Fatalf("it is from %s: %s", m.From, m.Subject)
		}
	}

	// A store that does not answer leaves what was read last.
	w.Join("amy")
	w.Throttle(1)
	w.Now = w.Now.Add(5 * time.Minute)
	w.Tick()
	probe.Before = func(_ context.Context, call string) error {
		if call == "Words" {
			return errors.New("busy")
		}
		return nil
	}
	w.Deliver(w.Now.Add(59 * time.Second))
	if mails := w.Outbox.Mails(0); len(mails) != 6 || !strings.HasPrefix(mails[5].From, `"State Benefits"`) {
		t.Errorf("%d mails, the last from %s", len(mails), mails[len(mails)-1].From)
	}
}
