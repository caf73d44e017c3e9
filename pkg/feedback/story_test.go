package feedback_test

import (
	"fmt"
	"testing"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// What the mail service's events do to people who were mailed: docs/faults.md, rows 24, 34, 35.

func TestSentAndNotRecordedIsRecordedByItsEvent(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	w.Store.Probe = twintest.Once("Accept", false, fmt.Errorf("store down"))
	w.Throttle(1)
	w.Minute()
	w.WantStage(waitlist.Sending, refs...)
	w.ReportSent()
	w.WantStage(waitlist.Invited, refs...)
	if w.Counts["sender.unrecorded"] != 1 || w.Outbox.Len() != 1 {
		t.Fatalf("counted %v", w.Counts)
	}
}

func TestEventsMayComeTwiceLateAndInAnyOrder(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob", "eve", "tom")
	w.Outbox.Probe = twintest.MailFault(true, map[int]error{0: email.ErrAmbiguous})
	w.Throttle(4)
	w.Minute()
	mails := w.Outbox.Mails(0)
	tell := func(i int, kinds ...feedback.Kind) {
		t.Helper()
		for _, k := range kinds {
			w.Must(w.Feedback.Handle(w.Ctx, w.Event(k, mails[i])))
		}
	}
	tell(0, feedback.HardBounce, feedback.Sent, feedback.HardBounce) // the bounce before the send
	w.WantStage(waitlist.Bounced, refs[0])
	tell(1, feedback.Delivered, feedback.Complaint, feedback.Complaint, feedback.Sent)
	w.WantStage(waitlist.Bounced, refs[1])
	tell(2, feedback.Replied, feedback.Delayed, feedback.Reported, feedback.Delivered, feedback.Other)
	w.WantStage(waitlist.Invited, refs[2])
	w.Redeem(refs[3], "phone")
	tell(3, feedback.Delivered, feedback.Complaint)
	w.WantStage(waitlist.Used, refs[3])
	for i, suppressed := range []bool{true, true, false, true} {
		e, err := w.Store.Entry(w.Ctx, refs[i].Key)
		w.Must(err)
		if e.Suppressed != suppressed {
			t.Fatalf("person %d: suppressed %v", i, e.Suppressed)
		}
	}
	if c, _ := w.Store.Cohorts(w.Ctx, twintest.Noon); c[0].Sent != 4 || c[0].Redeemed != 1 {
		t.Fatalf("counted %+v", c)
	}
}
