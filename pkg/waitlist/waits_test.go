package waitlist

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestWaitsAreThePercentilesOfThoseInvitedLately: equal to sorting everybody who
// was invited in the last ten minutes, at every minute of some days.
func TestWaitsAreThePercentilesOfThoseInvitedLately(t *testing.T) {
	t.Parallel()
	type one struct {
		at   time.Time
		wait time.Duration
	}
	for seed := range uint64(20) {
		chance := rand.New(rand.NewPCG(seed, 1))
		var all []one
		var w Waits
		for minute := range 300 {
			at := time.Date(2026, 3, 4, 12, minute, 0, 0, time.UTC)
			minutes := map[int]int{}
			for range chance.IntN(1 + int(seed)*3) {
				wait := time.Duration(chance.ExpFloat64() * float64(40*time.Minute))
				all = append(all, one{at, wait})
				minutes[Minutes(wait)]++
			}
			w = w.Add(at, minutes)
			var truth []int
			for _, o := range all {
				if at.Sub(o.at) < WaitedOver {
					truth = append(truth, Minutes(o.wait))
				}
			}
			slices.Sort(truth)
			var want Waited
			if n := len(truth); n > 0 {
				want = Waited{At: at, From: truth[(n+9)/10-1], To: truth[(9*n+9)/10-1], People: n}
			}
			if got := w.Waited(at); got != want {
				t.Fatalf("seed %d, minute %d: %+v, want %+v", seed, minute, got, want)
			}
			if len(w) > 10 {
				t.Fatalf("%d ticks are kept", len(w))
			}
		}
	}
}
