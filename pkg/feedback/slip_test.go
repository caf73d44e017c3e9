package feedback_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/metric"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators/account"
	"raincheck/test/template"
)

// A day with a slip in the DNS: for an hour one large provider sends our mail
// back, 5.7.26. Sending pauses within minutes. Afterwards nobody is suppressed, here
// or on SES's list of the account, and everybody of that hour is invited.
func TestDayWithADNSSlip(t *testing.T) {
	t.Parallel()
	w, ses, refs := dayWithADNSSlip(t, 3000, suppressedReasons(t))
	w.WantStage(waitlist.Invited, refs...)
	for _, ref := range refs {
		if e, err := w.Store.Entry(w.Ctx, ref.Key); err != nil || e.Suppressed || e.Returned {
			t.Fatalf("after the slip: suppressed %v, return used %v, %v", e.Suppressed, e.Returned, err)
		}
	}
	if list := ses.OnList(); len(list) != 0 {
		t.Errorf("SES's list has %d addresses after the slip", len(list))
	}
	// A complaint is a person's own word: it is on the list, and the next mail is not sent.
	mail := mailed(w.Outbox.Mails(0)[0])
	w.Must(w.Feedback.Receive(w.Ctx, ses.Complain(mail, w.Now)))
	if list := ses.OnList(); len(list) != 1 || list[0].Reason != account.Complained {
		t.Fatalf("SES's list after a complaint: %d addresses", len(list))
	}
	if e, err := feedback.Decode(ses.Deliver(mail, "", w.Now), twintest.Configuration); err != nil || e.Kind != feedback.HardBounce {
		t.Errorf("a mail to an address on SES's list is %q, %v", e.Kind, err)
	}
}

// With the reasons that an account has by itself, the same day costs those of its
// first minutes their places, though none of them did anything: SES does not send
// their second mail. It is why the template's configuration set says COMPLAINT.
func TestDayWithADNSSlipByTheAccountsOwnReasons(t *testing.T) {
	t.Parallel()
	w, ses, refs := dayWithADNSSlip(t, 300, nil)
	lost := 0
	for _, ref := range refs {
		if w.Stage(ref) == waitlist.Bounced {
			lost++
		}
	}
	if listed := len(ses.OnList()); listed == 0 || lost != listed {
		t.Errorf("SES's list has %d addresses, and %d lost their places", listed, lost)
	}
}

// suppressedReasons are those of the template's configuration set.
func suppressedReasons(t *testing.T) (reasons []string) {
	t.Helper()
	tmpl, err := template.Read(template.Main)
	if err != nil {
		t.Fatal(err)
	}
	sets := tmpl.Resources("AWS::SES::ConfigurationSet")
	if len(sets) != 1 {
		t.Fatalf("%d configuration sets", len(sets))
	}
	if node := tmpl.Get("Resources", sets[0], "Properties", "SuppressionOptions", "SuppressedReasons"); node != nil {
		if err := node.Decode(&reasons); err != nil {
			t.Fatal(err)
		}
	}
	return reasons
}

// mailed is a mail of the outbox as SES has it.
func mailed(m outbox.Mail) account.Mailed {
	return account.Mailed{To: m.To, Set: twintest.Configuration, Tags: m.Tags}
}

// dayWithADNSSlip is that day, up to when everybody must have been invited.
func dayWithADNSSlip(t *testing.T, people int, reasons []string) (*twintest.World, *account.Account, []waitlist.Ref) {
	t.Helper()
	w, ses := twintest.NewWorld(t), &account.Account{}
	ses.Change(func(s *account.State) { s.Reasons = reasons })
	var refs []waitlist.Ref
	for i := range people {
		domain := "example.org"
		if i%3 == 0 {
			domain = "gmail.com"
		}
		a, err := email.Parse(fmt.Sprintf("person-%04d@%s", i, domain))
		w.Must(err)
		j, err := w.Store.Join(w.Ctx, waitlist.Signup{Key: w.Ring.Mailbox(a.Mailbox()), Address: a, Language: "en", At: w.Now})
		w.Must(err)
		refs = append(refs, j.Ref)
		w.Now = w.Now.Add(100 * time.Millisecond)
	}
	slip, reported := true, 0
	minute := func() {
		w.Throttle(200)
		w.Minute()
		for _, m := range w.Outbox.Mails(reported) {
			reported++
			answer := ""
			if slip && strings.HasSuffix(m.To, "@gmail.com") {
				answer = "550 5.7.26 This mail has been blocked because the sender is unauthenticated."
			}
			w.Must(w.Feedback.Receive(w.Ctx, ses.Deliver(mailed(m), answer, w.Now)))
		}
	}
	paused := 0
	for i := range 60 {
		minute()
		if c, _ := w.Store.Control(w.Ctx); c.Paused && paused == 0 {
			paused = i + 1
			if !c.ResumeAt.IsZero() || !strings.Contains(c.PausedBecause, "5.7") {
				t.Fatalf("control is %+v", c)
			}
		}
	}
	if paused == 0 || paused > 5 {
		t.Fatalf("sending paused after %d minutes", paused)
	}
	slip = false
	w.Operate(func(c *waitlist.Control) { c.Resume() })
	for range 60 {
		minute()
	}
	return w, ses, refs
}

// A stranger's domain that answers 5.7.x to everything stops nobody's mail.
func TestStrangersDomainCannotPause(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(100)
	w.Throttle(100)
	w.Minute()
	for _, m := range w.Outbox.Mails(0) {
		e := w.Event(feedback.OurBounce, m)
		e.Provider = email.Elsewhere
		w.Must(w.Feedback.Handle(w.Ctx, e))
	}
	w.WantStage(waitlist.Held, refs...)
	for range 18 {
		w.Throttle(100)
		if r := w.Minute(); r.Paused != "" {
			t.Fatalf("paused: %s", r.Paused)
		}
	}
	w.WantStage(waitlist.Invited, refs...)
}

// What comes back by a fault that is nobody's own uses the one return; the second
// time the entry ends, and the mailbox may join again.
func TestFullMailboxHasOneReturn(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	for n := range 2 {
		for range 18 {
			w.Throttle(1)
			w.Minute()
		}
		mails := w.Outbox.Mails(n)
		if len(mails) != 1 {
			t.Fatalf("%d mails in round %d", len(mails), n+1)
		}
		w.Must(w.Feedback.Handle(w.Ctx, w.Event(feedback.SoftBounce, mails[0])))
	}
	w.WantStage(waitlist.Failed, refs...)
	if e, _ := w.Store.Entry(w.Ctx, refs[0].Key); e.Suppressed {
		t.Fatal("a full mailbox was suppressed")
	}
	w.Join("ann")
}

// The law is told of mails that have not arrived.
func TestDelayedMailIsCountedAsDeferred(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Join("ann", "bob")
	w.Throttle(2)
	w.Minute()
	mails := w.Outbox.Mails(0)
	deferred := func(want int) {
		t.Helper()
		if c, _ := w.Store.Cohorts(w.Ctx, twintest.Noon); len(c) != 1 || c[0].Deferred != want {
			t.Fatalf("counted %+v, want %d deferred", c, want)
		}
	}
	for _, m := range mails {
		w.Must(w.Feedback.Handle(w.Ctx, w.Event(feedback.Delayed, m)))
	}
	deferred(2)
	e := w.Event(feedback.Delivered, mails[0])
	e.Took = time.Hour
	w.Must(w.Feedback.Handle(w.Ctx, e))
	deferred(1)
	// Accepted after a lost answer, then rejected: it was not sent.
	w.Must(w.Feedback.Handle(w.Ctx, w.Event(feedback.Rejected, mails[1])))
	if stage := w.Stage(w.Event(feedback.Sent, mails[1]).Ref); stage != waitlist.Held {
		t.Fatalf("a rejected mail leaves its entry %s", stage)
	}
}

// What is counted by provider is counted from the log, which names nobody.
func TestLogNamesTheProvider(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	var log bytes.Buffer
	w.Feedback.Log = slog.New(slog.NewJSONHandler(&log, nil))
	w.Join("ann")
	w.Throttle(1)
	w.Minute()
	e := w.Event(feedback.Delayed, w.Outbox.Mails(0)[0])
	e.Provider = email.Gmail
	w.Must(w.Feedback.Handle(w.Ctx, e))
	if s := log.String(); !strings.Contains(s, `"msg":"mail event","kind":"delayed","provider":"gmail"`) || strings.Contains(s, "ann") || strings.Contains(s, e.Key) {
		t.Errorf("the log says %s", s)
	}
}

// Receivers keep a fifth of the mails waiting: the next tick says so, and counts it
// for the alarm.
func TestDelayedMailsAreSeen(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(26)
	w.Throttle(25)
	w.Minute()
	for _, m := range w.Outbox.Mails(0)[:5] {
		w.Must(w.Feedback.Handle(w.Ctx, w.Event(feedback.Delayed, m)))
	}
	r := w.Minute()
	if share, ok := r.DelayedShare(); !ok || share != 0.2 || r.Delayed != 5 || r.Recent != 25 {
		t.Errorf("%d of %d are delayed", r.Delayed, r.Recent)
	}
	if got := w.Counts[metric.InviterDelayed]; got != 0.2 {
		t.Errorf("counted %g", got)
	}
	// Two hours later they are not counted as recent.
	w.Now = w.Now.Add(2 * time.Hour)
	if r := w.Minute(); r.Recent != 0 {
		t.Errorf("after two hours %d mails are recent", r.Recent)
	}
}
