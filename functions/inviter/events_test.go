package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/inviter"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// TestSampleEvents reads the ticks of events/ as the function does. A stack at
// rest skips both: a late one is like another.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		skipped string
		calls   int
	}{
		"inviter-tick":      {"the gate is open", 1},
		"inviter-late-tick": {"the gate is open", 1},
	} {
		text, err := os.ReadFile("../../events/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var e event
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		probe := &twin.Probe{}
		now := time.Date(2026, 3, 2, 16, 5, 3, 0, time.UTC)
		store := &store.Store{Probe: probe}
		if err := store.UpdateControl(t.Context(), func(c *waitlist.Control) error { c.Idle = now.Add(-time.Minute); return nil }); err != nil {
			t.Fatal(err)
		}
		probe.Reset()
		service := inviter.Service{Store: store, Now: func() time.Time { return now }}
		report, err := service.Tick(t.Context(), e.Scheduled)
		if err != nil || !strings.Contains(report.Skipped, want.skipped) || probe.Total() != want.calls {
			t.Errorf("%s: the report is %+v, %v, after %v", name, report, err, probe.Calls())
		}
	}
}
