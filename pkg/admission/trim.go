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
	// Quick is the same from one minute to the next alone. Errors of the counts move
	// slowly; what moves slowly is not called noise of the metric but for a part.
	Quick float32 `json:"quick,omitempty"`
	// Flow is the error of the counts at the door, as the metric shows it, in the
	// logarithm; FlowVar its variance and Both its covariance with Log. On a site of
	// a few hundred people one visitor in twenty is next to nothing, and how the
	// load rises says more of who came in.
	Flow    float32 `json:"flow,omitempty"`
	FlowVar float32 `json:"flowVar,omitempty"`
	Both    float32 `json:"both,omitempty"`
}

const (
	trimFirst = 0.05 * 0.05     // variance before anything was measured
	trimWalk  = 0.0015 * 0.0015 // by the minute
	trimLean  = 0.01 * 0.01     // more by the minute, for errors that lean one way
	trimSlow  = 0.03 * 0.03     // the same for errors that lean for a quarter of an hour
	trimBack  = 1.0 / 180       // towards 0: the slow learning takes over
	trimNoise = 0.03 * 0.03
	trimQuick = 6.0 // noise that lasts for some minutes, at most, against the quick
	trimLimit = 1.5 // more than a factor of 4 is no correction
)

// minuteOf is what the filter needs of one minute.
type minuteOf struct {
	measured float64 // below 0: unknown or not believed
	model    float64
	walk     float64 // variance that the counts add
	flow     float64 // share of the people who came in at the door in that minute
	doubt    float64 // variance of the logarithm of that count
	lasting  float64 // how much of its error is that of the minute after too
	step     float64 // of the metric: it is rounded to so much
	repeated bool    // it says the same as the last one
}

// correct runs the filter over the minutes, oldest first. keep is how many of
// them leave the recent history afterwards: after those the result is stored. It
// returns the estimate after the last minute, its variance, and that of the
// error of the counts at the door.
func (t *trim) correct(minutes []minuteOf, keep int) (estimate, variance, flow float64) {
	k, v, noise := float64(t.Log), float64(t.Var), float64(t.Noise)
	b, w, c := float64(t.Flow), float64(t.FlowVar), float64(t.Both)
	if v == 0 {
		v = trimFirst
	}
	if noise == 0 {
		noise = trimNoise
	}
	quick := float64(t.Quick)
	if quick == 0 {
		quick = noise
	}
	slow := 0.0 // the same over a quarter of an hour
	lean := 0.0 // smoothed errors, in standard deviations; by chance within ±0.8
	doubt := 0  // samples in a row far below what is expected
	for i, m := range minutes {
		k += m.flow*b - k*trimBack
		v += m.flow * (2*c + m.flow*w)
		b *= m.lasting
		c = m.lasting * (c + m.flow*w)
		w = m.lasting*m.lasting*w + (1-m.lasting*m.lasting)*m.doubt
		v = min(v+trimWalk+m.walk+trimLean*max(0, math.Abs(lean)-0.8)+trimSlow*max(0, math.Abs(slow)-0.5), 0.25)
		if limit := math.Sqrt(v * w); math.Abs(c) > limit {
			c = math.Copysign(limit, c)
		}
		if m.measured >= 0 && m.model > 1e-6 {
			// A hundredth of the capacity either way is no news, however empty the
			// site is.
			small := 0.01 / max(m.model, 0.01)
			half := m.step / 2 / max(m.measured, m.step)
			r := clamp(noise, quick, trimQuick*quick) + small*small + half*half/3
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
				slow = 0.93*slow + 0.07*e/spread
				if i < keep {
					noise += 0.02 * (clamp(e*e-v, 0.2*noise, 9*noise) - noise)
				}
			}
			if believe {
				gain, gainFlow := v/(v+r), c/(v+r)
				k = clamp(k+gain*e, -trimLimit, trimLimit)
				b = clamp(b+gainFlow*e, -1, 1)
				w = max(0, w-gainFlow*c)
				v *= 1 - gain
				c *= 1 - gain
			}
		}
		if i < keep && i+2 < len(minutes) {
			if bend, ok := bend(minutes[i : i+3]); ok {
				quick += 0.02 * (min(bend*bend/6, 9*quick) - quick)
			}
		}
		if i == keep-1 {
			t.Log, t.Var, t.Noise = float32(k), float32(v), float32(clamp(noise, 1e-4, 0.02))
			t.Quick = float32(clamp(quick, 1e-4, 0.02))
			t.Flow, t.FlowVar, t.Both = float32(b), float32(w), float32(c)
		}
	}
	return k, v, b
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
