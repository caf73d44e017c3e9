package admission

import (
	"math"
	"slices"
	"time"

	"raincheck/pkg/admission/number"
)

// trust is how far the law's model has proved right. Every minute the model of
// some minutes ago, given who came since, is held against the metric; while it
// has not foreseen the metric for half an hour, a controller that looks at
// the metric alone bounds what the law decides (follow.go). A model that is wrong in
// a way that nobody thought of costs what that controller costs, and no more.
type trust struct {
	// Sum adds up how far the metric stands above what was foreseen, in standard
	// deviations, less what a model that is right may be off; Proof is for how many
	// samples it has stayed below the bound.
	Sum   float32 `json:"sum,omitempty"`
	Proof int     `json:"proof,omitempty"`
	// Upto is the last minute that was judged; Lost the last one at which the proof
	// began again, and LostAt and Foreseen the load then and what was foreseen.
	Upto     int64   `json:"upto,omitempty"`
	Lost     int64   `json:"lost,omitempty"`
	LostAt   float32 `json:"lostAt,omitempty"`
	Foreseen float32 `json:"foreseen,omitempty"`
	// Weights is what one visitor weighed at the recent ticks, the correction by the
	// metric included; the last is that of the tick before this one.
	Weights []float32 `json:"weights,omitempty"`
}

// share is trust from 0 to 1.
func (t *trust) share() float64 {
	return number.Clamp(float64(t.Proof-proving)/growing, 0, 1)
}

// since is when trust was lost last, or when the proof began.
func (t *trust) since() time.Time {
	if t.Lost == 0 {
		return time.Time{}
	}
	return time.Unix(t.Lost*60, 0).UTC()
}

// begin forgets the weights of other minutes, and all proof.
func (t *trust) begin(now int64) { *t = trust{Lost: now} }

// weight is what a visitor weighed at the tick of a minute; false if that is not
// known.
func (t *trust) weight(last, minute int64) (float64, bool) {
	i := int64(len(t.Weights)) - (last - minute)
	if i < 0 || i >= int64(len(t.Weights)) || t.Weights[i] <= 0 {
		return 0, false
	}
	return float64(t.Weights[i]), true
}

// updateTrust holds the samples that became known with their counts against what was
// foreseen of them. gain is what a visitor weighs in the model now.
func (m *memory) updateTrust(target, gain float64, doubted []bool) {
	t, n := &m.Trust, len(m.Load)
	if newest := slices.IndexFunc(m.Visitors[max(0, n-uncounted):], func(v float32) bool { return v >= 0 }); newest < 0 {
		t.Proof = 0 // nobody is counted: the model is a guess
	}
	if m.Trim.Fell {
		t.Proof = 0
	}
	quick := float64(m.Trim.Quick)
	if quick == 0 {
		quick = trimNoise
	}
	for i := max(0, n-15); i < n; i++ {
		minute := m.Last - int64(n) + int64(i)
		if minute <= t.Upto || m.Load[i] < 0 || m.Visitors[i] < 0 || doubted[i] || minute < m.Visits.Began {
			continue
		}
		weight, ok := t.weight(m.Last, minute-foresight)
		if !ok {
			continue
		}
		t.Upto = minute
		y, foreseen := float64(m.Load[i]), weight*float64(m.Model[i])/max(gain, leastWeight)
		unit := (1 - target) / 3
		off := (y - foreseen) / math.Sqrt(unit*unit+foreseen*foreseen*quick)
		sum := max(0, float64(t.Sum)+off-allowed)
		if sum > tooMuch {
			t.Sum, t.Proof, t.Lost, t.LostAt, t.Foreseen = 0, 0, minute, m.Load[i], float32(foreseen)
			continue
		}
		t.Sum, t.Proof = float32(sum), min(t.Proof+1, proving+growing)
	}
}
