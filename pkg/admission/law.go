package admission

import (
	"math"
	"slices"

	"raincheck/pkg/admission/number"
	"raincheck/pkg/admission/returns"
	"raincheck/pkg/admission/visits"
)

// ahead is how far the law looks, in minutes.
const ahead = returns.Ahead

// checked are the minutes ahead at which nobody invited now may be one too many.
var checked = [...]int{10, 20, 30, 45, 60}

// view is all that a decision is made of.
type view struct {
	p Policy
	o Observation
	m *memory
	b visits.Belief
	f returns.Forecast
	// factor corrects the model to the metric.
	factor, variance float64
	// base[h] is the load at the end of h minutes from now with nobody let in but
	// who is certain: those here, and new visitors until the decision is in effect.
	base []float64
	// visitors[u] is the new visitors expected in the u-th minute.
	visitors []float64
	// measured is the newest load, age how old the end of its minute is, stale how
	// long nothing new was heard.
	measured, age float64
	stale         float64
	target        float64
}

// view works out the forecast without the decision.
func (m *memory) view(p Policy, o Observation, b visits.Belief, f returns.Forecast, in []float64, factor, variance float64) *view {
	v := &view{p: p, o: o, m: m, b: b, f: f, factor: factor, variance: variance}
	v.measured, v.age = m.newest()
	v.stale = float64(m.Last - m.Fresh - 1)
	v.visitors = make([]float64, ahead)
	for u := range v.visitors {
		v.visitors[u] = m.Demand.expect(m.Last + int64(u))
	}
	v.base = make([]float64, ahead+1)
	inForce := v.visitors[0] * m.Demand.letIn(float64(m.Admit))
	for h := range v.base {
		people := 0.0
		if h <= reach || h == fillIn || slices.Contains(checked[:], h) {
			people = number.Products(in, b.Stay[h:]) + m.Visits.Left(b, m.Last-1+int64(h))
		}
		if h > 0 {
			people += inForce * b.Stay[h-1]
		}
		v.base[h] = factor * people
	}
	return v
}

// first says that this is the first tick: there was no decision before it.
func (v *view) first() bool { return v.m.First == v.m.Last }

// noLoadYet says that a law which is to hold a load has never seen one. Where the
// operator has set the mode open nobody reads it, and that is not a fault.
func (v *view) noLoadYet() bool {
	a := v.o.Applied
	return v.m.Visits.Began == 0 && !(a != nil && (a.Mode == "open" || a.Mode == "observe"))
}

// weight is the load of one who comes in the u-th minute at the end of h minutes
// from now.
func (v *view) weight(u, h int) float64 {
	if u >= h {
		return 0
	}
	return v.factor * v.b.Stay[h-1-u]
}

// full is how many people the target is.
func (v *view) full() float64 { return v.p.Target / max(v.factor*v.b.Gain, leastWeight) }

// returning is the load at h of those expected from codes that are out.
func (v *view) returning(h int) float64 {
	sum := 0.0
	for u := range h {
		sum += v.f.Coming[u] * v.weight(u, h)
	}
	return sum
}

// newcomers is the load at h of all new visitors from the next minute on.
func (v *view) newcomers(h int) float64 {
	sum := 0.0
	for u := 1; u < h; u++ {
		sum += v.visitors[u] * v.weight(u, h)
	}
	return sum
}

// invitedNow is the load at h of one invitation sent now.
func (v *view) invitedNow(h int) float64 {
	sum := 0.0
	for u := range h {
		sum += v.f.Fresh[u] * v.weight(u, h)
	}
	return sum
}

// invitedOn is the load at h of one invitation sent now and in every minute until
// then.
func (v *view) invitedOn(h int) float64 {
	sum := 0.0
	for k := 1; k <= h; k++ {
		sum += v.invitedNow(k)
	}
	return sum
}

// decide is the law.
func (v *view) decide(d Decision) Decision {
	p, m := v.p, v.m
	// Without news of the load the target sinks, slowly: what the model does not
	// know adds up.
	closing := number.Clamp((v.stale-staleFrom)/(staleTo-staleFrom), 0, 1)
	sd := v.spread()
	v.target = min(p.Target*(1+min(liftSigmas*sd, mostLift)), max(1-marginSigmas*sd*p.Target, leastTarget*p.Target)) * (1 - sinking*closing)

	// Admit: the share at which the load reaches the target.
	full := v.aboveFull()
	invite, why := v.invite(full)
	// Who is invited in the next minutes too: as many as now.
	each := v.invitedOn(reach)
	room := v.target - v.base[reach] - v.returning(reach) - float64(invite)*each
	demand := v.newcomers(reach)
	admit, by := 1.0, byModel
	if demand > 0 {
		admit = m.Demand.admitFor(number.Clamp(room/demand, 0, 1))
	} else if room <= 0 {
		admit = 0
	}
	if usual := float64(m.Admit); !v.first() {
		// Opening is taken in steps: what is let in cannot be sent away again, and
		// the demand is only estimated.
		if steps := openingShare*usual + openingStep; admit > steps {
			admit, by = steps, bySteps
		}
	}
	if full {
		admit, by = 0, byGuard
	}
	if v.noLoadYet() {
		// Who is there already, nobody has counted.
		admit, by = min(admit, m.admit(), p.Floor), byNoLoad
	}
	if closing > 0 {
		admit = admit*(1-closing) + min(admit, p.Floor)*closing
	}
	d.Admit, d.Invite, d.Numbers = admit, invite, v.sum(room)
	by, why = v.limit(&d, by, why)
	d.Because = v.because(d, sd, by, why)
	return d
}

// spread is the standard deviation of the load around what the law aims at, as a
// share: what the estimate may err, and people who come and go one by one, which
// alone makes a load of 0.90 one of 1.05 now and then where the site is small.
func (v *view) spread() float64 {
	people := v.full()
	// Until a decision shows, the people of some minutes have come and gone.
	chance := 2 * (reach + 1) / v.b.Mean / max(people, 1)
	// And the visitors of the minutes that are not counted yet is only estimated, from
	// a sample.
	sampled := samplingMinutes * float64(v.m.Demand.Noise) / v.b.Mean / max(people, 1)
	return math.Sqrt(v.variance + chance + sampled)
}

// aboveFull says whether the measured load itself forbids everything, whatever the
// model holds.
func (v *view) aboveFull() bool {
	if v.age < 0 || v.stale > staleFrom {
		return false
	}
	noise := math.Sqrt(max(float64(v.m.Trim.Noise), trimNoise))
	return v.measured > 1+2*noise
}

// invite is how many to invite, and what bounds it, for an operator.
func (v *view) invite(full bool) (int, string) {
	switch {
	case v.o.Waiting <= 0:
		return 0, ""
	case full:
		return 0, "nobody is invited"
	case v.stale > inviteUntil, v.noLoadYet():
		return 0, notKnown
	}
	n, asleep := v.places()
	got, why := v.bounded(n)
	switch {
	case why != "" || got == v.o.Waiting:
	case v.m.Returns.Asleep != 0 && (asleep || v.m.Returns.Unseen):
		why = v.missing(asleep)
	case got == 0:
		why = noPlaces
	}
	return got, why
}

// bounded is how many of a wanted number of invitations can be sent, and what
// bounds them if anything but the waitlist does.
func (v *view) bounded(n float64) (int, string) {
	p := v.p
	switch {
	case p.MaxInvitesPerMinute == 0:
		return 0, "nobody is invited, as maxInvitesPerMinute is 0"
	case p.quiet(v.o.Time):
		return 0, duringQuietHours
	}
	mail, why := v.mail()
	wanted := math.Round(number.Clamp(n, 0, number.Most))
	got := min(wanted, max(0, float64(v.o.Waiting)), float64(p.MaxInvitesPerMinute), max(0, mail))
	switch {
	case mail == 0, got < wanted && mail == got && mail < float64(v.o.Waiting):
		return int(got), why
	case got < wanted && got < float64(v.o.Waiting):
		return int(got), "no more are invited at once than maxInvitesPerMinute"
	}
	return int(got), ""
}

// places is how many invitations the free places are good for, and whether it is
// those who are missing that bound them.
func (v *view) places() (n float64, asleep bool) {
	// How many come and go in a minute on a site at the target.
	flow := v.full() / v.b.Mean
	each := v.invitedOn(fillIn)
	if each <= 0 {
		return 0, false
	}
	// What may be taken from new visitors, over the horizon.
	free := v.target - v.base[fillIn]
	allowed := max(min(v.p.QueueFirst, 1-admitReserve)*free, free-(1-admitReserve)*v.newcomers(fillIn))
	n = (allowed - v.returning(fillIn)) / each
	// And none that would not fit if nobody else came, at any time ahead.
	for _, h := range checked {
		if one := v.invitedNow(h); one > 0 {
			n = min(n, max(0, v.target-v.base[h]-v.returning(h))/one)
		}
	}
	// And if all who are missing come at once, they still fit on a full site.
	missing := math.Inf(1)
	if r := &v.m.Returns; r.Asleep != 0 {
		fit := v.full() * (1/v.p.Target - 1)
		if r.Woken == 0 {
			fit += wakeShare * flow * float64(v.o.Time.Unix()-r.Asleep) / 60
		}
		missing = max(0, fit-v.f.Missing) / max(v.f.Usual, leastReturn)
		n = min(n, missing)
	}
	// While mails are delayed no more than keep the site full in the long run: those
	// who do not come now come later, beside those who are invited then.
	if v.f.Late > 0 {
		n = min(n, flow/max(v.f.Usual, leastReturn))
	}
	// However empty the site is, the next minutes must be able to show whether they come.
	most := mostFlow
	if v.m.Trust.share() < 1 {
		most = provingFlow
	}
	n = min(n, most*flow/max(v.f.Usual, leastReturn))
	return n, n == missing
}

func (v *view) sum(room float64) Numbers {
	committed := 0.0
	for _, n := range v.f.Coming[:soon] {
		committed += n
	}
	n := Numbers{
		Trust: v.m.Trust.share(), TrustSince: v.m.Trust.since(),
		Load: v.base[0], Measured: v.measured, LoadAge: v.age,
		Visitors: v.visitors[1], Committed: committed, Outstanding: v.f.Out, ReturnRate: v.f.Rate,
		Visit: v.b.Mean,
	}
	if g := v.factor * v.b.Gain; g > 0 {
		n.Capacity = 1 / g
		n.Free = max(0, room/g/(reach-1))
	}
	return n
}
