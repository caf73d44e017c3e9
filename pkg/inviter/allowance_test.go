package inviter_test

import (
	"testing"
	"time"

	"raincheck/pkg/inviter"
	"raincheck/pkg/twin/twintest"
)

// A relay has no account to ask: its rate is a setting, and what is left of its day
// is what the waitlist has not counted as sent.
func TestAllowanceIsWhatTheSettingsLeave(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Join("ann", "bob", "eve")
	w.Throttle(3)
	w.Minute()
	clock := func() time.Time { return w.Now }
	for perDay, want := range map[float64]float64{0: -1, 10: 7, 3: 0, 2: 0} {
		a, err := inviter.Allowance{PerSecond: 2, PerDay: perDay, Store: w.Store, Now: clock}.Account(w.Ctx)
		if err != nil || !a.Enabled || a.PerSecond != 2 || a.Remaining24h != want {
			t.Errorf("of %g a day: %+v, %v; want %g left", perDay, a, err, want)
		}
	}
	w.Now = w.Now.Add(25 * time.Hour)
	if a, err := (inviter.Allowance{PerSecond: 2, PerDay: 3, Store: w.Store, Now: clock}).Account(w.Ctx); err != nil || a.Remaining24h != 3 {
		t.Errorf("a day later: %+v, %v", a, err)
	}
}
