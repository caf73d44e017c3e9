package admission

import (
	"fmt"
	"math"

	"raincheck/pkg/admission/number"
)

// rule is 2013's rule at a raw load: the share to admit and how many to invite.
func (v *view) rule(load float64) (admit, invite float64) {
	admit = number.Clamp((v.p.Target+rampOver-load)/rampWidth, 0, 1)
	if load < v.p.Target-rampInvite {
		full := v.p.Capacity
		if full == 0 {
			// With the capacity unknown, those counted on the site as it is.
			full = v.m.people(v.b)
		}
		invite = max(rampLeast, math.Round(full*rampShare))
	}
	return admit, invite
}

// ramp is 2013's rule as the law.
func (v *view) ramp(d Decision) Decision {
	var invite float64
	d.Numbers = v.sum(0)
	top := v.p.Target + rampOver
	switch {
	case v.noLoadYet():
		d.Admit = min(d.Admit, v.p.Floor)
		d.Because = fmt.Sprintf("ramp: no load is known yet: closed to %.2f or less", v.p.Floor)
	case v.absent():
		d.Admit = min(d.Admit, v.p.Floor)
		d.Because = fmt.Sprintf("ramp: %s: closed to %.2f or less", v.unknown(), v.p.Floor)
	default:
		d.Admit, invite = v.rule(v.measured)
		d.Because = fmt.Sprintf("ramp: the load was measured at %.2f; open below %.2f, closed from %.2f", v.measured, top-rampWidth, top)
	}
	if invite == 0 || v.o.Waiting <= 0 {
		return d
	}
	got, why := v.bounded(invite)
	if d.Invite = got; why != "" {
		d.Because += "; " + why
	}
	return d
}
