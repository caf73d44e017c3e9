package inviter_test

import (
	"testing"

	"raincheck/pkg/email"
	"raincheck/pkg/metric"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// The numbers that alarms of template.yaml look at, as a tick reports them.

// heard runs a minute and gives what it added to a number, and whether it
// reported that number at all.
func heard(w *twintest.World, name metric.Name) (n float64, reported bool) {
	w.Helper()
	delete(w.Counts, name)
	w.Minute()
	n, reported = w.Counts[name]
	return n, reported
}

// TestTheAlarmHearsThatSendingIsHalted by whoever found out: mostly the inviter,
// which asks for the account before anything is claimed, else a sender. It goes
// on hearing it until sending goes on, and nothing of an operator's pause.
func TestTheAlarmHearsThatSendingIsHalted(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name string
		halt func(w *twintest.World)
	}{
		{"the account is suspended", func(w *twintest.World) {
			w.Outbox.Allow(outbox.Allowance{PerSecond: 14, Suspended: "under review"})
		}},
		{"the account says that nothing is left of the day", func(w *twintest.World) {
			w.Outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 1})
			w.Throttle(1)
			w.Minute()
		}},
		{"a sender is refused", func(w *twintest.World) {
			w.Outbox.Probe = twintest.MailFault(false, map[int]error{0: email.ErrPaused})
			w.Throttle(1)
			w.Minute()
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			w := twintest.NewWorld(t)
			w.Join("ann", "bob", "eve")
			w.Throttle(0)
			if n, _ := heard(w, "inviter.halted"); n != 0 {
				t.Fatal("the alarm rings while everything is well")
			}
			story.halt(w)
			for range 5 {
				if n, _ := heard(w, "inviter.halted"); n != 1 {
					t.Fatalf("a halted minute counts %v: %v", n, w.Counts)
				}
			}
			w.Outbox.Probe = nil
			w.Outbox.Allow(outbox.Allowance{PerSecond: 14})
			w.Operate(func(c *waitlist.Control) { c.Resume() })
			if n, _ := heard(w, "inviter.halted"); n != 0 {
				t.Fatal("the alarm goes on after sending does")
			}
		})
	}
	w := twintest.NewWorld(t)
	w.Join("ann")
	w.Throttle(0)
	w.Operate(func(c *waitlist.Control) { c.Paused = true })
	if n, _ := heard(w, "inviter.halted"); n != 0 {
		t.Fatal("the alarm rings for a pause that the operator made")
	}
}

// TestTheAlarmHearsThatNothingIsSent while people wait, in every such minute, and
// hears that all is well in all others: a number that is missing rings for
// nobody.
func TestTheAlarmHearsThatNothingIsSent(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Throttle(0)
	if n, reported := heard(w, "inviter.unsent"); n != 0 || !reported {
		t.Fatalf("with nobody waiting: %v, reported %v", n, reported)
	}
	w.Join("ann", "bob", "eve")
	for range 3 {
		if n, _ := heard(w, "inviter.unsent"); n != 1 {
			t.Fatalf("with three waiting and nobody invited: %v", n)
		}
	}
	w.Throttle(1)
	w.Minute() // claims one, whose mail goes out within the minute
	if n, reported := heard(w, "inviter.unsent"); n != 0 || !reported {
		t.Fatalf("with two waiting and a mail out: %v, reported %v", n, reported)
	}
	if n, _ := heard(w, "inviter.unsent"); n != 1 {
		t.Fatalf("a minute later: %v", n)
	}
}
