package simulation

import (
	"math"
	"time"

	"raincheck/pkg/admission"
)

// What the law sees of the world: sampled counts and a load that are minutes old,
// redemptions, mails sent, and the length of the waitlist.

// shown is what a metric without noise shows of a load.
func (w *world) shown(load float64) float64 {
	c := w.Conditions
	if c.MetricPower == 0 && c.MetricBase == 0 {
		return load
	}
	power := c.MetricPower
	if power == 0 {
		power = 1
	}
	return c.MetricBase + (1-c.MetricBase)*math.Pow(load, power)
}

// measure is what the metric says of a load in a minute; negative is nothing.
func (w *world) measure(m int, load float64) float64 {
	c := w.Conditions
	if has(c.Said, m) {
		return c.SaidLoad
	}
	v := max(0, w.shown(load)*(1+c.MetricNoise*w.r.NormFloat64()))
	if has(c.Lies, m) {
		v *= c.LieBy
	}
	if c.MetricTop > 0 && v > c.MetricTop {
		v = c.MetricTop
		if c.MetricGone {
			return -1
		}
	}
	if c.MetricStep > 0 {
		v = math.Round(v/c.MetricStep) * c.MetricStep
	}
	return v
}

// stamp is the time of a minute as the law's clock has it.
func (w *world) stamp(m int) time.Time {
	if has(w.Conditions.Ahead, m) {
		return w.tick(m + w.Conditions.AheadBy)
	}
	return w.tick(m)
}

// missed says whether the tick of a minute never runs. It is asked once a minute.
func (w *world) missed(m int) bool {
	chance := w.Conditions.MissedShare > 0 && w.missing.Float64() < w.Conditions.MissedShare
	return chance || has(w.Conditions.Missed, m)
}

// observe is what becomes known at the tick of minute m, since that of last.
func (w *world) observe(last, m int) admission.Observation {
	c := w.Conditions
	o := admission.Observation{Time: w.stamp(m), Waiting: w.waiting}
	for _, p := range w.posted {
		o.Waiting -= p.count // claimed already
	}
	if last < 0 {
		w.before(&o)
	}
	for k := max(0, last-c.MetricLag+1); k <= m-c.MetricLag; k++ {
		if v := w.known(k); v >= 0 {
			o.Load = append(o.Load, admission.Sample{At: w.stamp(k), Value: v})
		}
	}
	for k := max(0, last-c.EdgeLag+1); k <= m-c.EdgeLag; k++ {
		if !has(c.NoEdge, k) {
			o.Edge = append(o.Edge, w.series.counted[k])
		}
	}
	for k := max(0, last+1); k <= m; k++ {
		o.Deferred = append(o.Deferred, w.cohorts(w.arrived[k])...)
	}
	o.Deferred, w.deferred = append(o.Deferred, w.cohorts(w.deferred)...), w.deferred[:0]
	if !c.Unreported {
		o.Sent = w.cohorts(w.newSent)
	}
	o.Redeemed = w.cohorts(w.newRedeemed)
	w.newSent, w.newRedeemed = w.newSent[:0], w.newRedeemed[:0]
	switch {
	case m > 0:
		o.Applied = &admission.Applied{Mode: "throttle", Admit: w.admit[m-1]}
	default:
		o.Applied = &admission.Applied{Mode: "open"}
	}
	switch {
	case has(c.Paused, m):
		o.Mail = &admission.Mail{PerSecond: 0, Remaining: -1}
	case c.MailPerSecond > 0 || c.MailPerDay > 0:
		o.Mail = &admission.Mail{PerSecond: -1, Remaining: -1}
		if c.MailPerSecond > 0 {
			o.Mail.PerSecond = c.MailPerSecond
		}
		if c.MailPerDay > 0 {
			o.Mail.Remaining = w.remaining(m)
		}
	}
	return o
}

// before is what is known at the first tick of a quarter of an hour before it.
func (w *world) before(o *admission.Observation) {
	c := w.Conditions
	for k := -15; k <= -c.MetricLag; k++ {
		if v := w.measure(k, c.Begin); v >= 0 && !has(c.NoMetric, 0) {
			o.Load = append(o.Load, admission.Sample{At: w.tick(k), Value: v})
		}
		if k > -c.EdgeLag || has(c.NoEdge, 0) || c.Begin == 0 { // nobody has come to an empty site
			continue
		}
		n := float64(poisson(w.r, w.Trace.At(0)/float64(c.Sample)) * c.Sample)
		o.Edge = append(o.Edge, admission.EdgeCount{At: w.tick(k), Visitors: n, Admitted: n})
	}
}

// known is the load of a minute as it becomes known; negative is not at all.
func (w *world) known(k int) float64 {
	c := w.Conditions
	switch {
	case has(c.NoMetric, k):
		return -1
	case has(c.Frozen, k):
		for has(c.Frozen, k) {
			k--
		}
		if k < 0 {
			return -1
		}
	}
	return w.series.metric[k]
}

func (w *world) cohorts(groups []group) []admission.Cohort {
	out := make([]admission.Cohort, 0, len(groups))
	for _, g := range groups {
		out = append(out, admission.Cohort{Invited: w.stamp(g.minute), Count: g.count})
	}
	return out
}

// outstanding are the codes that are out at minute m, for a law that begins.
func (w *world) outstanding(m int) []admission.Outstanding {
	var out []admission.Outstanding
	for k := max(0, m-int(time.Duration(w.Policy.CodeTTL).Minutes())); k < m; k++ {
		if w.sent[k] > 0 {
			out = append(out, admission.Outstanding{Invited: w.stamp(k), Sent: w.sent[k], Redeemed: w.redeemed[k]})
		}
	}
	return out
}
