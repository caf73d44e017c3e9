package operator

import (
	"strings"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// When the line is empty is said only where the last ten minutes say something of
// those to come.
func TestWhenTheLineIsEmpty(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 11, 4, 0, 0, time.UTC)
	lately := waitlist.Waited{At: now.Add(-time.Minute), From: 35, To: 50, People: 300}
	for name, c := range map[string]struct {
		control waitlist.Control
		waited  waitlist.Waited
		waiting int
		says    string
	}{
		"thirty a minute":        {waitlist.Control{}, lately, 22_600, "at this pace all of them are invited at about 23:40"},
		"the rest of an hour":    {waitlist.Control{}, lately, 1, "at about 11:05"},
		"tomorrow":               {waitlist.Control{}, lately, 45_000, "at about Wed 12:05"},
		"next month":             {waitlist.Control{}, lately, 2_000_000, ""},
		"nobody waits":           {waitlist.Control{}, lately, 0, ""},
		"nobody was invited":     {waitlist.Control{}, waitlist.Waited{At: now}, 300, ""},
		"the inviter has fallen": {waitlist.Control{}, waitlist.Waited{At: now.Add(-time.Hour), People: 300}, 300, ""},
		"paused":                 {waitlist.Control{Paused: true}, lately, 300, ""},
		"held":                   {waitlist.Control{Mode: gate.Hold}, lately, 300, ""},
	} {
		s := Snapshot{Now: now, Decision: Decision{Decided: now, Waiting: c.waiting, Empty: empty(now, c.control, c.waited, c.waiting)}}
		if out := s.Text(); strings.Contains(out, "at this pace") != (c.says != "") || !strings.Contains(out, c.says) {
			t.Errorf("%s, want %q:\n%s", name, c.says, out)
		}
	}
}
