package visits_test

import (
	"math"
	"testing"

	"raincheck/pkg/admission/visits"
)

// TestTheLengthOfVisitsIsLearned: 1,000 a minute come to an empty site for 50,000, and
// stay for ten minutes on the average where 25 were guessed.
func TestTheLengthOfVisitsIsLearned(t *testing.T) {
	t.Parallel()
	known := visits.Known{Began: 1}
	const mean, sigma = 10.0, 0.9
	staying := func(k int) float64 {
		return 0.5 * math.Erfc((math.Log(float64(k)+0.5)-math.Log(mean)+sigma*sigma/2)/sigma/math.Sqrt2)
	}
	var in []float64
	load := 0.0
	for minute := range 120 {
		in = append(in, 1000)
		load += 1000 * staying(minute) / 50000
		known.Learn(int64(minute+2), load, in, 0)
	}
	b := known.Believe(50000, 25, 122)
	if b.Mean < 9 || b.Mean > 11 || math.Abs(b.Gain*50000-1) > 0.05 {
		t.Errorf("visits of %.1f min, and a visitor weighs %.2f of 1/50000, want 10 and 1", b.Mean, b.Gain*50000)
	}
}
