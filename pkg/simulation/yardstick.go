package simulation

import (
	"math"

	"raincheck/pkg/admission"
)

// NoThrottle lets everybody in: the site without a waiting room.
func NoThrottle(admission.Policy) Controller { return noThrottle{} }

type noThrottle struct{}

func (noThrottle) Name() string { return "no waiting room" }

func (noThrottle) Decide(o admission.Observation) admission.Decision {
	return admission.Decision{Time: o.Time, Admit: 1, Because: "everybody is let in"}
}

// Physics lets nobody new in from the first tick on, at once: what a site that
// begins too full cannot avoid.
func Physics(admission.Policy) Controller { return &physics{} }

type physics struct{}

func (*physics) Name() string { return "nobody new" }

func (*physics) Decide(o admission.Observation) admission.Decision {
	return admission.Decision{Time: o.Time, Because: "nobody is let in"}
}

// close makes the decision that stood before the first tick the same.
func (*physics) close(w *world) {
	for m := range w.admit {
		w.admit[m] = 0
	}
}

// Rule2013 is the rule of December 2013 as far as it is known: a straight line
// from the load to the share let in, and a fixed number of invitations a minute
// while the load is below a threshold. It knew no quiet hours.
func Rule2013(p admission.Policy) Controller {
	p.Law, p.Quiet = admission.Ramp, nil
	return &law2013{law{policy: p}}
}

type law2013 struct{ law }

func (*law2013) Name() string { return "2013 rule" }

// PI is a textbook controller: the inflow follows the error of the measured load
// and its integral, which stands still while admit is 0 or 1
// (anti-windup). What new visitors do not take is invited, divided by the share of
// the invited that has come back so far. It knows nothing of visits, of codes
// that are out, or of the delay of either.
func PI(p admission.Policy) Controller {
	capacity := p.Capacity
	if capacity == 0 {
		capacity = 1
	}
	return &pi{policy: p, capacity: capacity, load: math.NaN()}
}

type pi struct {
	policy         admission.Policy
	capacity       float64
	load           float64
	integral       float64
	visitors       float64
	sent, redeemed float64
}

// The gains follow the usual tuning for a lag of 25 minutes behind a dead time of
// 4: in visitors a minute for each unit of load, as a share of the capacity.
const (
	piGain     = 0.10
	piIntegral = piGain / 25
)

func (*pi) Name() string { return "PI" }

func (c *pi) Decide(o admission.Observation) admission.Decision {
	for _, s := range o.Load {
		c.load = s.Value
	}
	for _, e := range o.Edge {
		c.visitors += (e.Visitors - c.visitors) / 3
	}
	for _, s := range o.Sent {
		c.sent += float64(s.Count)
	}
	for _, r := range o.Redeemed {
		c.redeemed += float64(r.Count)
	}
	d := admission.Decision{Time: o.Time, Admit: 1, Because: "proportional and integral on the measured load"}
	if math.IsNaN(c.load) {
		return d
	}
	e := c.policy.Target - c.load
	top := 1.5 * c.visitors / c.capacity // as open as it can be, and some to invite with
	if o.Waiting > 0 {
		top = 0.15
	}
	flow := piGain*e + c.integral + piIntegral*e
	if (flow < top || e < 0) && (flow > 0 || e > 0) {
		c.integral += piIntegral * e
	}
	flow = max(0, min(top, piGain*e+c.integral)) * c.capacity
	if c.visitors > 0 {
		d.Admit = min(1, flow/c.visitors)
	}
	if rest := flow - d.Admit*c.visitors; rest > 0 && o.Waiting > 0 && c.policy.MaxInvitesPerMinute > 0 {
		rate := (c.redeemed + 50) / (c.sent + 100)
		d.Invite = min(o.Waiting, c.policy.MaxInvitesPerMinute, int(rest/max(0.1, rate)))
	}
	return d
}
