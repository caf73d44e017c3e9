package admission

import (
	"math"

	"raincheck/pkg/admission/number"
)

// What decides while the model has not proved right looks at the load alone: a
// proportional and integral controller of the logarithm of the share to admit. A
// share is multiplied, not added to, because nobody knows how many come: at the
// right share its loop gain is the same whatever the demand and the capacity.
// follow is the share to admit and how many to invite by the load alone. At a full
// site nobody is let in, and nothing is learned of what the right share is.
func (v *view) follow() (admit, invite float64) {
	m, load := v.m, v.foreseen()
	off := v.p.Target - load
	if m.Follow == 0 {
		m.Follow = followFirst
	}
	if v.measured >= 1 {
		return 0, 0
	}
	m.Follow = float32(number.Clamp(float64(m.Follow)*math.Exp(followIntegral*off), followLeast, 1))
	_, invite = v.rule(load)
	return number.Clamp(float64(m.Follow)*math.Exp(followGain*off), 0, 1), invite
}

// foreseen is the load when a decision shows, if it goes on rising as it does; a
// fall is not followed.
func (v *view) foreseen() float64 {
	var n, sx, sy, sxx, sxy float64
	for k := range followOver {
		if i := len(v.m.Load) - 1 - k; i >= 0 && v.m.Load[i] >= 0 {
			x, y := -float64(k), float64(v.m.Load[i])
			n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
		}
	}
	spread := sxx - sx*sx/max(n, 1)
	if n < 3 || spread <= 0 {
		return v.measured
	}
	slope := (sxy - sx*sy/n) / spread
	chance := v.measured * math.Sqrt(max(float64(v.m.Trim.Quick), leastNoise)/spread)
	return v.measured + reach*max(0, slope-chance)
}

// limit tightens a decision of the law by what the load alone says, as far as the
// model has not proved right, and says what decides, and what bounds the invitations:
// why, unless the load alone bounds them more tightly.
func (v *view) limit(d *Decision, by cause, why string) (decides cause, bound string) {
	w := v.m.Trust.share()
	if w == 1 || by == byNoLoad {
		v.m.Follow = float32(number.Clamp(d.Admit, followLeast, 1)) // where it would go on from
		return by, why
	}
	admit, invite, doubt := 0.0, 0.0, byLoad
	switch {
	case w == 0 && v.absent():
		admit, doubt = min(v.m.admit(), v.p.Floor), byAbsence
	case w == 0 && v.measured >= 1:
		doubt = byFull
	default:
		admit, invite = v.follow()
	}
	if w == 0 && !v.m.Demand.Known && doubt != byAbsence {
		// The law knows of nobody at the edge.
		d.Admit = admit
		d.Invite, why = v.bounded(min(invite, v.uncounted()))
		switch {
		case v.o.Waiting <= 0:
			why = ""
		case d.Invite > 0 || why != "":
		case invite > 0:
			why = noPlaces
		default:
			why = v.fewer(0, true)
		}
		return byNoCounts, why
	}
	admit = min(d.Admit, admit+w*(d.Admit-admit))
	if w > 0 {
		invite += w * (float64(d.Invite) - invite)
	}
	n := min(d.Invite, int(max(0, invite)))
	if admit < d.Admit {
		by = doubt
	}
	if n < d.Invite {
		why = v.fewer(n, by == doubt)
	}
	d.Admit, d.Invite = admit, n
	return by, why
}

// uncounted is how many invitations are good for what is free where nobody is
// counted at the edge: those with codes who come as they do now are in the load
// already. They at most double, from a few: nothing but the load itself can show that
// a stated capacity is wrong.
func (v *view) uncounted() float64 {
	step := max(rampLeast, 2*v.m.Returns.Busiest())
	if v.p.Capacity == 0 {
		return step
	}
	free := (v.p.Target - v.measured) * v.p.Capacity
	for _, n := range v.f.Coming[:soon] {
		free -= n
	}
	for _, n := range v.m.Back[max(0, len(v.m.Back)-soon):] {
		free += float64(n)
	}
	return min(step, free/max(v.f.Usual, leastReturn))
}

// absent says that the load stays away longer than it usually lags.
func (v *view) absent() bool {
	return v.age < 0 || v.stale > float64(v.m.Lag)+beyondLag
}
