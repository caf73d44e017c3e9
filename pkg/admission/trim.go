package admission

import "math"

// trim is the correction of the model by the metric: a factor, in the logarithm,
// between the load that was measured and the load that the counts explain. A
// Kalman filter of one number; it is small while both agree, and takes a jump of
// the metric upwards at its word: a site that lost a third of its capacity must
// be believed at the first sample.
type trim struct {
	// Log and Var are the estimate and its variance at the minute before the
	// recent ones.
	Log float32 `json:"log,omitempty"`
	Var float32 `json:"var,omitempty"`
	// Noise is the variance of the metric around the model, as learned.
	Noise float32 `json:"noise,omitempty"`
}

const (
	trimFirst = 0.05 * 0.05     // variance before anything was measured
	trimWalk  = 0.0015 * 0.0015 // by the minute
	trimLean  = 0.01 * 0.01     // more by the minute, for errors that lean one way
	trimBack  = 1.0 / 180       // towards 0: the slow learning takes over
	trimNoise = 0.03 * 0.03
	trimLimit = 1.5 // more than a factor of 4 is no correction
)

// minuteOf is what the filter needs of one minute.
type minuteOf struct {
	measured float64 // below 0: unknown or not believed
	model    float64
	walk     float64 // variance that the counts add
	step     float64 // of the metric: it is rounded to so much
	repeated bool    // it says the same as the last one
}

// correct runs the filter over the minutes, oldest first. keep is how many of
// them leave the recent history afterwards: after those the result is stored. It
// returns the estimate after the last minute, and its variance.
func (t *trim) correct(minutes []minuteOf, keep int) (estimate, variance float64) {
	k, v, noise := float64(t.Log), float64(t.Var), float64(t.Noise)
	if v == 0 {
		v = trimFirst
	}
	if noise == 0 {
		noise = trimNoise
	}
	lean := 0.0 // smoothed errors, in standard deviations; by chance within ±0.8
	doubt := 0  // samples in a row far below what is expected
	for i, m := range minutes {
		k -= k * trimBack
		v = min(v+trimWalk+m.walk+trimLean*max(0, math.Abs(lean)-0.8), 0.25)
		if m.measured >= 0 && m.model > 1e-6 {
			// A hundredth of the capacity either way is no news, however empty the
			// site is.
			small := 0.01 / max(m.model, 0.01)
			half := m.step / 2 / max(m.measured, m.step)
			r := noise + small*small + half*half/3
			e := math.Log(max(m.measured, 1e-3)/m.model) - k
			if m.repeated {
				// It says again that the load is somewhere in its step.
				e = math.Copysign(max(0, math.Abs(e)-half), e)
			}
			spread := math.Sqrt(v + r)
			believe := true
			switch {
			case e > 4*spread:
				v += e * e
			case e < -4*spread:
				// Much less than expected may be a metric that lost half of its
				// sources: only the third such sample is believed.
				doubt++
				believe = doubt >= 3
				if believe {
					v += e * e
				}
			default:
				doubt = 0
				lean = 0.75*lean + 0.25*e/spread
				if i < keep {
					noise += 0.02 * (clamp(e*e-v, 0.2*noise, 9*noise) - noise)
				}
			}
			if believe {
				gain := v / (v + r)
				k = clamp(k+gain*e, -trimLimit, trimLimit)
				v *= 1 - gain
			}
		}
		if i == keep-1 {
			t.Log, t.Var, t.Noise = float32(k), float32(v), float32(clamp(noise, 1e-4, 0.02))
		}
	}
	return k, v
}
