package main

import (
	"strings"
	"testing"
	"time"

	"raincheck/pkg/gate"
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
	var out strings.Builder
	printStatus(&out, s)
	if !strings.Contains(out.String(), "  open: everyone is let in\n  11:04, before the switch: holding 0.90\n") {
		t.Errorf("%s", &out)
	}
	out.Reset()
	s.Decided = decided.Add(time.Minute)
	printStatus(&out, s)
	if !strings.Contains(out.String(), "\n  11:05: holding 0.90\n") {
		t.Errorf("%s", &out)
	}
}

// TestStatusOfADrain: what was asked for by hand is on the screen until it is done.
func TestStatusOfADrain(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	printStatus(&out, operator.Snapshot{Decision: operator.Decision{Invite: 31}, Control: waitlist.Control{Drain: true, InviteNow: 1500, SignupsOff: true}})
	if !strings.Contains(out.String(), "  31  by the last decision, and 1,500 more by hand; draining: everyone left is invited\n") {
		t.Errorf("%s", &out)
	}
}
