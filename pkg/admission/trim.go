package admission

import "math"

// trim is the correction of the model by the metric: a factor, in the logarithm,
// between the load that was measured and the load that the counts explain. A
// Kalman filter of two numbers; it is small while both agree, and takes a jump of
// the metric upwards at its word: a site that lost a third of its capacity must
// be believed at the first sample.
type trim struct {
	// Log and Var are the estimate and its variance at the minute before the
	// recent ones.
	Log float32 `json:"log,omitempty"`
	Var float32 `json:"var,omitempty"`
	// Noise is the variance of the metric around the model, as learned.
	Noise float32 `json:"noise,omitempty"`
	// Quick is the same from one minute to the next alone. Errors of the counts move
	// slowly; what moves slowly is not called noise of the metric but for a part.
	Quick float32 `json:"quick,omitempty"`
	// Flow is the error of the counts at the edge, as the metric shows it, in the
	// logarithm; FlowVar its variance and Both its covariance with Log. On a site of
	// a few hundred people one visitor in twenty is next to nothing, and how the
	// load rises says more of who came in.
	Flow    float32 `json:"flow,omitempty"`
	FlowVar float32 `json:"flowVar,omitempty"`
	Both    float32 `json:"both,omitempty"`
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
	flow     float64 // share of the people who came in without a code in that minute
	doubt    float64 // variance of the logarithm of that count
	lasting  float64 // how much of its error is that of the minute after too
	step     float64 // of the metric: it is rounded to so much
	repeated bool    // it says the same as the last one
}

// filter is the Kalman filter at one minute: two numbers with their variances and
// covariance, and what its latest errors were like.
type filter struct {
	level, levelVar float64 // the correction: log(measured/model)
	flow, flowVar   float64 // the error of the counts at the edge
	both            float64 // covariance of the two
	lean, slow      float64 // smoothed errors in standard deviations, over 4 and 15 minutes
	low             int     // samples in a row far below what is expected
	lowAgain        int     // how many it takes for them to be believed
	fell            bool    // so many were
}

// advance lets a minute go by: what came in carries the error of its count, and what is
// known grows old, faster while the errors lean one way.
func (f *filter) advance(m minuteOf) {
	f.level += m.flow*f.flow - f.level*trimBack
	f.levelVar += m.flow * (2*f.both + m.flow*f.flowVar)
	f.flow *= m.lasting
	f.both = m.lasting * (f.both + m.flow*f.flowVar)
	f.flowVar = m.lasting*m.lasting*f.flowVar + (1-m.lasting*m.lasting)*m.doubt
	leaning := trimLean*max(0, math.Abs(f.lean)-leanChance) + trimSlow*max(0, math.Abs(f.slow)-slowChance)
	f.levelVar = min(f.levelVar+trimWalk+m.walk+leaning, worstVar)
	if limit := math.Sqrt(f.levelVar * f.flowVar); math.Abs(f.both) > limit {
		f.both = math.Copysign(limit, f.both)
	}
}

// measure takes in the minute's sample, given the variance of the metric. Where it
// was off by no more than chance, usual, it says by how much of that variance.
func (f *filter) measure(m minuteOf, noise float64) (seen float64, usual bool) {
	// A hundredth of the capacity either way is noise, however empty the site is.
	small := 0.01 / max(m.model, 0.01)
	half := m.step / 2 / max(m.measured, m.step)
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
		back := f.low >= lowBack && f.level > 0.1 && math.Abs(off+f.level) < 0.1
		if f.low < f.lowAgain && !back {
			return seen, false
		}
		f.fell = f.fell || f.low == lowAgain
		f.levelVar += off * off
	default:
		usual = true
		f.low = 0
		f.lean = 0.75*f.lean + 0.25*off/sd
		f.slow = 0.93*f.slow + 0.07*off/sd
	}
	gain, gainFlow := f.levelVar/(f.levelVar+noise), f.both/(f.levelVar+noise)
	f.level = clamp(f.level+gain*off, -trimLimit, trimLimit)
	f.flow = clamp(f.flow+gainFlow*off, -1, 1)
	f.flowVar = max(0, f.flowVar-gainFlow*f.both)
	f.levelVar *= 1 - gain
	f.both *= 1 - gain
	return seen, usual
}

// correct runs the filter over the minutes, oldest first. keep is how many of
// them leave the recent history afterwards: after those the result is stored, and
// only they teach how noisy the metric is. It returns the correction after the
// last minute, its variance, and the error of the counts at the edge.
func (t *trim) correct(minutes []minuteOf, keep int, trusted bool) (correction, variance, flow float64) {
	f := filter{level: float64(t.Log), levelVar: float64(t.Var),
		flow: float64(t.Flow), flowVar: float64(t.FlowVar), both: float64(t.Both), low: t.Low, lowAgain: lowBack}
	if trusted {
		f.lowAgain = lowAgain
	}
	if f.levelVar == 0 {
		f.levelVar = trimFirst
	}
	noise := float64(t.Noise)
	if noise == 0 {
		noise = trimNoise
	}
	quick := float64(t.Quick)
	if quick == 0 {
		quick = noise
	}
	for i, m := range minutes {
		f.advance(m)
		if m.measured >= 0 && m.model > 1e-6 {
			seen, usual := f.measure(m, clamp(noise, quick, trimQuick*quick))
			if usual && i < keep {
				noise += noiseForgets * (clamp(seen, 0.2*noise, 9*noise) - noise)
			}
		}
		if i < keep && i+2 < len(minutes) {
			if bend, ok := bend(minutes[i : i+3]); ok {
				quick += noiseForgets * (min(bend*bend/6, 9*quick) - quick)
			}
		}
		if i == keep-1 {
			t.Log, t.Var, t.Noise = float32(f.level), float32(f.levelVar), float32(clamp(noise, leastNoise, mostNoise))
			t.Quick = float32(clamp(quick, leastNoise, mostNoise))
			t.Flow, t.FlowVar, t.Both = float32(f.flow), float32(f.flowVar), float32(f.both)
			t.Low = f.low
		}
	}
	t.LowNow, t.Fell = f.low, f.fell
	return f.level, f.levelVar, f.flow
}

// bend is the second difference of three samples against the model, in which
// what moves slowly is not seen: of independent errors it has six times the
// variance.
func bend(m []minuteOf) (float64, bool) {
	var l [3]float64
	for i := range l {
		if m[i].measured <= 0.03 || m[i].model <= 0.03 || m[i].repeated {
			return 0, false
		}
		l[i] = math.Log(m[i].measured / m[i].model)
	}
	return l[0] - 2*l[1] + l[2], true
}
