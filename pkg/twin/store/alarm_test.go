package store_test

import (
	"testing"

	"raincheck/pkg/email"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/waitlist"
)

// The numbers that alarms of template.yaml look at, as a tick reports them.

// heard runs a minute and gives what it added to a number, and whether it
// reported that number at all.
func (w *world) heard(name string) (n float64, reported bool) {
	w.Helper()
	delete(w.counts, name)
	w.minute()
	n, reported = w.counts[name]
	return n, reported
}

// TestTheAlarmHearsThatSendingIsHalted by whoever found out: mostly the inviter,
// which asks for the account before anything is claimed, else a sender. It goes
// on hearing it until sending goes on, and nothing of an operator's pause.
func TestTheAlarmHearsThatSendingIsHalted(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name string
		halt func(w *world)
	}{
		{"the account is suspended", func(w *world) {
			w.outbox.Allow(outbox.Allowance{PerSecond: 14, Suspended: "under review"})
		}},
		{"the account says that nothing is left of the day", func(w *world) {
			w.outbox.Allow(outbox.Allowance{PerSecond: 14, PerDay: 1})
			w.throttle(1)
			w.minute()
		}},
		{"a sender is refused", func(w *world) {
			w.outbox.Probe = mailFault(false, map[int]error{0: email.ErrPaused})
			w.throttle(1)
			w.minute()
		}},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.join("ann", "bob", "eve")
			w.throttle(0)
			if n, _ := w.heard("inviter.halted"); n != 0 {
				t.Fatal("the alarm rings while everything is well")
			}
			story.halt(w)
			for range 5 {
				if n, _ := w.heard("inviter.halted"); n != 1 {
					t.Fatalf("a halted minute counts %v: %v", n, w.counts)
				}
			}
			w.outbox.Probe = nil
			w.outbox.Allow(outbox.Allowance{PerSecond: 14})
			w.wish(func(c *waitlist.Control) { c.Resume() })
			if n, _ := w.heard("inviter.halted"); n != 0 {
				t.Fatal("the alarm goes on after sending does")
			}
		})
	}
	w := newWorld(t)
	w.join("ann")
	w.throttle(0)
	w.wish(func(c *waitlist.Control) { c.Paused = true })
	if n, _ := w.heard("inviter.halted"); n != 0 {
		t.Fatal("the alarm rings for a pause that the operator made")
	}
}

// TestTheAlarmHearsThatNothingIsSent while people wait, in every such minute, and
// hears that all is well in all others: a number that is missing rings for
// nobody.
func TestTheAlarmHearsThatNothingIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.throttle(0)
	if n, reported := w.heard("inviter.unsent"); n != 0 || !reported {
		t.Fatalf("with nobody waiting: %v, reported %v", n, reported)
	}
	w.join("ann", "bob", "eve")
	for range 3 {
		if n, _ := w.heard("inviter.unsent"); n != 1 {
			t.Fatalf("with three waiting and nobody invited: %v", n)
		}
	}
	w.throttle(1)
	w.minute() // claims one, whose mail goes out within the minute
	if n, reported := w.heard("inviter.unsent"); n != 0 || !reported {
		t.Fatalf("with two waiting and a mail out: %v, reported %v", n, reported)
	}
	if n, _ := w.heard("inviter.unsent"); n != 1 {
		t.Fatalf("a minute later: %v", n)
	}
}
