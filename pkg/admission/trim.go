package admission

import (
	"math"

	"raincheck/pkg/admission/number"
)

// trim is the correction of the model by the metric: a factor, in the logarithm,
// between the load that was measured and the load that the counts explain. A
// Kalman filter; it is small while both agree, and takes a jump of the metric
// upwards at its word: a site that lost a third of its capacity must be believed
// at the first sample.
type trim struct {
	// Log and Var are the estimate and its variance at the minute before the
	// recent ones.
	Log float32 `json:"log,omitempty"`
	Var float32 `json:"var,omitempty"`
	// Noise is the variance of the metric around the model, as learned, and Quick that
	// from one minute to the next alone: what moves slowly is mostly the counts' error.
	Noise float32 `json:"noise,omitempty"`
	Quick float32 `json:"quick,omitempty"`
	// Low is how many samples in a row were far below what was expected.
	Low int `json:"low,omitempty"`
	// LowNow is the same at the newest minute.
	LowNow int `json:"lowNow,omitempty"`
	// Fell says that a load which the model held to be too low was believed within
	// the last half hour: the model was wrong.
	Fell bool `json:"fell,omitempty"`
}

// minuteOf is what the filter needs of one minute.
type minuteOf struct {
	measured float64 // below 0: unknown or not believed
	model    float64
	walk     float64 // variance that the counts add
	repeated bool    // it says the same as the last one
}

// filter is the Kalman filter at one minute: the correction with its variance, and
// what its latest errors were like.
type filter struct {
	level, levelVar float64 // the correction: log(measured/model)
	lean            float64 // smoothed errors in standard deviations, over 4 minutes
	low             int     // samples in a row far below what is expected
	lowAgain        int     // how many it takes for them to be believed
	fell            bool    // so many were
}

// advance lets a minute go by: what came in carries the error of its count, and what is
// known grows old, faster while the errors lean one way.
func (f *filter) advance(m minuteOf) {
	f.level -= f.level * trimBack
	leaning := trimLean * max(0, math.Abs(f.lean)-leanChance)
	f.levelVar = min(f.levelVar+trimWalk+m.walk+leaning, worstVar)
}

// measure takes in the minute's sample, given the variance of the metric. Where it
// was off by no more than chance, usual, it says by how much of that variance.
func (f *filter) measure(m minuteOf, noise float64) (seen float64, usual bool) {
	// A hundredth of the capacity either way is noise, however empty the site is.
	small := smallest / max(m.model, smallest)
	half := roundedTo / 2 / max(m.measured, roundedTo)
	noise += small*small + half*half/3
	off := math.Log(max(m.measured, 1e-3)/m.model) - f.level
	if m.repeated {
		// It says again that the load is somewhere in its step.
		off = math.Copysign(max(0, math.Abs(off)-half), off)
	}
	sd := math.Sqrt(f.levelVar + noise)
	seen = off*off - f.levelVar
	switch {
	case off > farSigmas*sd:
		f.levelVar += off * off
	case off < -farSigmas*sd:
		f.low++
		back := f.low >= lowBack && f.level > takenBack && math.Abs(off+f.level) < takenBack
		if f.low < f.lowAgain && !back {
			return seen, false
		}
		f.fell = f.fell || f.low == lowAgain
		f.levelVar += off * off
	default:
		f.low = 0
		usual = true
		f.lean = 0.75*f.lean + 0.25*off/sd
	}
	gain := f.levelVar / (f.levelVar + noise)
	f.level = number.Clamp(f.level+gain*off, -trimLimit, trimLimit)
	f.levelVar *= 1 - gain
	return seen, usual
}

// correct runs the filter over the minutes, oldest first. keep is how many of
// them leave the recent history afterwards: after those the result is stored, and
// only they teach how noisy the metric is. It returns the correction after the
// last minute and its variance.
func (t *trim) correct(minutes []minuteOf, keep int, trusted bool) (correction, variance float64) {
	f := filter{level: float64(t.Log), levelVar: float64(t.Var), low: t.Low, lowAgain: lowBack}
	if trusted {
		f.lowAgain = lowAgain
	}
	if f.levelVar == 0 {
		f.levelVar = trimFirst
	}
	noise, quick := float64(t.Noise), float64(t.Quick)
	if noise == 0 {
		noise = trimNoise
	}
	if quick == 0 {
		quick = trimNoise
	}
	for i, m := range minutes {
		f.advance(m)
		if m.measured >= 0 && m.model > 1e-6 {
			seen, usual := f.measure(m, number.Clamp(noise, quick, trimQuick*quick))
			if usual && i < keep {
				noise += noiseForgets * (number.Clamp(seen, noise/5, 9*noise) - noise)
			}
		}
		if i < keep && i+2 < len(minutes) {
			if bend, ok := bend(minutes[i : i+3]); ok {
				quick += noiseForgets * (min(bend*bend/6, 9*quick) - quick)
			}
		}
		if i == keep-1 {
			t.Log, t.Var, t.Low = float32(f.level), float32(f.levelVar), f.low
			t.Noise = float32(number.Clamp(noise, leastNoise, mostNoise))
			t.Quick = float32(number.Clamp(quick, leastNoise, mostNoise))
		}
	}
	t.LowNow, t.Fell = f.low, f.fell
	return f.level, f.levelVar
}

// bend is the second difference of three samples against the model, in which
// what moves slowly is not seen: of independent errors it has six times the
// variance.
func bend(m []minuteOf) (float64, bool) {
	var l [3]float64
	for i := range l {
		if m[i].measured <= idleLoad || m[i].model <= idleLoad || m[i].repeated {
			return 0, false
		}
		l[i] = math.Log(m[i].measured / m[i].model)
	}
	return l[0] - 2*l[1] + l[2], true
}
