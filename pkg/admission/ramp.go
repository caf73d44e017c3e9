package admission

import "fmt"

// The rule of 2013. The door is open up to rampWidth below the top of the ramp,
// which lies rampOver above the target, and shut at the top; below rampInvite
// under the target a fixed share of the capacity is invited every minute.
const (
	rampOver   = 0.05
	rampWidth  = 0.15
	rampInvite = 0.05
	rampShare  = 1.0 / 25
)

// ramp is 2013's rule: it reads the newest load and nothing else.
func (v *view) ramp(d Decision) Decision {
	p := v.p
	d.Numbers = v.sum(0)
	if v.age < 0 || v.stale > inviting {
		d.Admit = min(float64(v.m.Admit), max(p.Floor, 0.9*float64(v.m.Admit)))
		d.Because = fmt.Sprintf("ramp: the load has not been known for %.0f min, closing to %.2f", v.stale, p.Floor)
		if v.age < 0 {
			d.Because = fmt.Sprintf("ramp: no load is known, closing to %.2f", p.Floor)
		}
		return d
	}
	top := p.Target + rampOver
	d.Admit = clamp((top-v.measured)/rampWidth, 0, 1)
	d.Because = fmt.Sprintf("ramp: the load was measured at %.2f; open below %.2f, shut from %.2f", v.measured, top-rampWidth, top)
	switch {
	case v.measured >= p.Target-rampInvite || v.o.Waiting <= 0:
		return d
	case p.quiet(v.o.Time):
		d.Because += "; " + quietly
		return d
	}
	fixed := float64(p.MaxInvitesPerMinute)
	if p.Capacity > 0 {
		fixed = min(fixed, p.Capacity*rampShare)
	}
	fixed = min(fixed, float64(v.o.Waiting))
	mail, why := v.mail()
	if mail < fixed {
		d.Because += "; " + why
	}
	d.Invite = int(max(0, min(fixed, mail)))
	return d
}
