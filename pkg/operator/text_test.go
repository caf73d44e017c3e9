package operator_test

import (
	"strings"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/operator"
	"raincheck/pkg/waitlist"
)

// TestStatusOfASwitchJustThrown: what the law said before the switch is not shown
// as if it were said of the door as it is now.
func TestStatusOfASwitchJustThrown(t *testing.T) {
	t.Parallel()
	decided := time.Date(2026, 11, 24, 11, 4, 0, 0, time.UTC)
	s := operator.Snapshot{Now: decided.Add(time.Minute), Decision: operator.Decision{Decided: decided, Because: "holding 0.90"},
		Control: waitlist.Control{Mode: gate.Open, Switched: decided.Add(20 * time.Second)}}
	if out := s.Text(); !strings.Contains(out, "  open: everyone is let in\n  11:04: switched; the inviter's next decision comes within a minute\n") {
		t.Error(out)
	}
	s.Decided = decided.Add(time.Minute)
	if out := s.Text(); !strings.Contains(out, "\n  11:05: holding 0.90\n") {
		t.Error(out)
	}
}

// TestStatusOfADrain: what was asked for by hand is on the screen until it is done.
func TestStatusOfADrain(t *testing.T) {
	t.Parallel()
	s := operator.Snapshot{Decision: operator.Decision{Invite: 31, Decided: time.Unix(1, 0)}, Control: waitlist.Control{Drain: true, InviteNow: 1500, SignupsOff: true}}
	if out := s.Text(); !strings.Contains(out, "  31  by the last decision, and 1,500 more by hand; draining: everyone left is invited\n") {
		t.Error(out)
	}
}

// TestStatusSaysWhomTheHiddenFieldCaught, where there were any.
func TestStatusSaysWhomTheHiddenFieldCaught(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0:    "  addresses    taken\n",
		1:    "  addresses    taken; in the last hour the hidden field caught 1 sign-up\n",
		1200: "  addresses    taken; in the last hour the hidden field caught 1,200 sign-ups\n",
	} {
		if out := (operator.Snapshot{Trapped: &n}).Text(); !strings.Contains(out, want) {
			t.Errorf("%d: %s", n, out)
		}
	}
}

// TestStatusSaysWhatBecameOfTheMail, and that a relay reports nothing of it.
func TestStatusSaysWhatBecameOfTheMail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sums map[metric.Name]int
		want string
	}{
		{map[metric.Name]int{}, "  mail         being sent\n"},
		{map[metric.Name]int{metric.SenderSent: 12}, "being sent; in the last hour 12 sent; nothing is reported of them\n"},
		// A relay that is down takes nothing, and reports nothing.
		{map[metric.Name]int{metric.SenderThrottled: 40, metric.SenderLater: 2}, "being sent; in the last hour 0 sent, 42 not taken by the mail service\n"},
		{map[metric.Name]int{metric.SenderSent: 1, metric.SenderRefused: 2, metric.FeedbackDelivered: 1}, "in the last hour 1 sent, 2 not taken by the mail service, 1 delivered"},
		{map[metric.Name]int{metric.SenderSent: 12, metric.FeedbackDelivered: 9, metric.FeedbackOurBounce: 1, metric.FeedbackRejected: 1, metric.FeedbackDelayed: 1},
			"in the last hour 12 sent, 9 delivered, 2 came back, 1 report of a delay, 0 complaints\n"},
		{map[metric.Name]int{metric.FeedbackComplaint: 2}, "in the last hour 0 sent, 0 delivered, 0 came back, 0 reports of a delay, 2 complaints\n"},
	} {
		s := operator.Snapshot{}
		s.CountHour(c.sums)
		if out := s.Text(); !strings.Contains(out, c.want) {
			t.Errorf("of %v it says\n%s", c.sums, out)
		}
	}
}

// TestStatusSaysUnknown where nothing could be read, and never that everyone is
// let in or that nobody waits.
func TestStatusSaysUnknown(t *testing.T) {
	t.Parallel()
	out := operator.Snapshot{Unread: true}.Text()
	for _, never := range []string{"everyone", "0 %", "nobody", "being sent", "  0  "} {
		if strings.Contains(out, never) {
			t.Errorf("it says %q:\n%s", never, out)
		}
	}
	if n := strings.Count(out, "unknown"); n != 8 {
		t.Errorf("%d times unknown:\n%s", n, out)
	}
}

// TestStatusSaysHowFarTheModelIsTrusted, and since when.
func TestStatusSaysHowFarTheModelIsTrusted(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for trust, want := range map[float64]string{
		0:    "  trust              0 %  the model has to prove itself since 12:00; the load alone decides\n",
		0.25: "  trust             25 %  the model has been proving itself since 12:00; the load alone still bounds it\n",
		1:    "  trust            100 %  the model has foreseen the load since 12:00\n",
	} {
		s := operator.Snapshot{Decision: operator.Decision{Decided: noon, Trust: &trust, TrustSince: noon}}
		if out := s.Text(); !strings.Contains(out, want) {
			t.Errorf("%g: %s", trust, out)
		}
	}
	if out := (operator.Snapshot{Decision: operator.Decision{Decided: noon}}).Text(); strings.Contains(out, "trust") {
		t.Errorf("where no model decides: %s", out)
	}
}
