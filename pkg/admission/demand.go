package admission

import (
	"math"

	"raincheck/pkg/admission/number"
)

// demand is the filter of the new visitors at the edge: a level with a slope, which
// gives in to a jump at once and is calm otherwise, because the counts are
// estimated from a sample (one visitor in 20: 8 % of noise at 3,000 a minute).
type demand struct {
	// Since is the first minute that was taken in, and Upto the last. Level is the visitors expected in
	// it, Slope the change by the minute.
	Since int64   `json:"since,omitempty"`
	Upto  int64   `json:"upto,omitempty"`
	Level float32 `json:"level,omitempty"`
	Slope float32 `json:"slope,omitempty"`
	// Noise is the variance of a count over its mean: about N where one visitor in
	// N is counted.
	Noise float32 `json:"noise,omitempty"`
	// Lean are smoothed errors of the last minutes in standard deviations: where
	// they lean one way the demand has changed.
	Lean float32 `json:"lean,omitempty"`
	// Came and Hoped are discounted sums of who was let in and who would have been,
	// were every draw a fresh one: their quotient falls as people come back
	// undecided.
	Came  float32 `json:"came,omitempty"`
	Hoped float32 `json:"hoped,omitempty"`
	Known bool    `json:"known,omitempty"`
	// First and Final are discounted sums of counts as they were first reported and as
	// they were reported last; RevisedAt is at which age in minutes that was, smoothed.
	First     float32 `json:"first,omitempty"`
	Final     float32 `json:"final,omitempty"`
	RevisedAt float32 `json:"revisedAt,omitempty"`
}

// revise learns from a count that is reported again. A minute's sampled lines arrive
// over some minutes, so that its first count is often too low: what was reported
// again so far says by how much.
func (d *demand) revise(before, now float64, age int) {
	if before < 0 {
		// Reported for the first time, and perhaps for the last: it counts as if nothing
		// were added, until it is reported again.
		d.First = float32(float64(d.First)*(1-reviseMemory) + now)
		d.Final = float32(float64(d.Final)*(1-reviseMemory) + now)
		return
	}
	d.Final += float32(now - before)
	if now != before {
		d.RevisedAt += float32((float64(age) - float64(d.RevisedAt)) * revisedMemory)
	}
}

// grown is the factor by which a count of that age will grow yet.
func (d *demand) grown(age int) float64 {
	if d.First <= 0 || float64(age) > float64(d.RevisedAt)-0.5 {
		return 1
	}
	return number.Clamp(float64(d.Final)/float64(d.First), leastGrown, mostGrown)
}

// take takes in the count of one minute, at which share of the draws was let in.
func (d *demand) take(minute int64, visitors, admitted, share float64) {
	if !d.Known {
		*d = demand{Since: minute, Upto: minute, Level: float32(visitors), Noise: firstNoise, Known: true,
			First: d.First, Final: d.Final, RevisedAt: d.RevisedAt}
		d.learnShare(visitors, admitted, share)
		return
	}
	level, slope, noise, lean := float64(d.Level), float64(d.Slope), float64(d.Noise), float64(d.Lean)
	steps := float64(min(minute-d.Upto, 30))
	expect := max(0, level+slope*steps)
	spread := math.Sqrt(noise*max(expect, level, 1) + 1)
	off := (visitors - expect) / spread
	lean += leanMemory * (number.Clamp(off, -mostOff, mostOff) - lean)
	// Where a count is one or two sampled visitors, it says little, and a surprise
	// is mostly chance.
	poor := noise / max(expect, level, 1)
	gain, slopeGain := calmGain/(1+4*poor), calmSlope/(1+10*poor)
	quick := number.Clamp((max(math.Abs(lean)-surprise, (math.Abs(off)-atOnce)/2))/surprise, 0, 1)
	gain += (quickGain/(1+10*poor) - gain) * quick
	slopeGain += (quickSlope/(1+20*poor) - slopeGain) * quick
	// A jump teaches noise too, for a few minutes: else a demand that is never calm
	// would be all jumps.
	if expect > noise/4 { // with nobody at the edge the counts say nothing of it
		noise += noiseMemory * (min(off*off, 9)*noise - noise)
	}
	level = max(0, expect+gain*(visitors-expect))
	slope += slopeGain * (visitors - expect) / max(1, steps)
	slope *= slopeFades
	d.Upto, d.Level, d.Slope = minute, float32(level), float32(number.Clamp(slope, -level/2-1, 2*level+10))
	d.Noise, d.Lean = float32(number.Clamp(noise, 1, 400)), float32(lean)
	d.learnShare(visitors, admitted, share)
}

// learnShare learns how much of the share let in is really let in.
func (d *demand) learnShare(visitors, admitted, share float64) {
	if share < nearlyAll || share > 1-nearlyAll {
		return
	}
	d.Came = float32(float64(d.Came)*(1-passMemory) + min(admitted, visitors))
	d.Hoped = float32(float64(d.Hoped)*(1-passMemory) + visitors*share)
}

// expect is the visitors of a minute ahead.
func (d *demand) expect(minute int64) float64 {
	steps := float64(minute - d.Upto)
	if steps <= 0 {
		return max(0, float64(d.Level))
	}
	bent := slopeAhead * (1 - math.Exp(-steps/slopeAhead))
	level, slope := float64(d.Level), float64(d.Slope)
	if slope < 0 {
		slope /= 2 // people let in for a demand that does not fall cannot be sent away
	}
	return number.Clamp(level+slope*bent, leastLevel*level, mostLevel*level+50)
}

// fresh is the share of the visitors whose draw is a fresh one.
func (d *demand) fresh() float64 {
	hoped := float64(d.Hoped)
	if hoped <= 0 {
		return 1
	}
	// Both sums are estimates: what chance may have made is not believed.
	chance := freshSigmas * math.Sqrt(max(float64(d.Noise), 1)/hoped)
	return number.Clamp(float64(d.Came)/hoped+chance, leastFresh, 1)
}

// letIn is the share of the visitors that gets in at an admit.
func (d *demand) letIn(admit float64) float64 { return d.fresh() * admit }

// admitFor is the admit at which that share of the visitors gets in.
func (d *demand) admitFor(share float64) float64 { return number.Clamp(share/d.fresh(), 0, 1) }
