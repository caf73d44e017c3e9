package demo

import (
	"math"

	"raincheck/pkg/simulation"
)

// result puts a run into the words of the simulation.
func (in *Instance) result(s simulation.Scenario, t Totals) simulation.Result {
	c := in.crowd
	for _, v := range c.waiting {
		if v.mails == 0 {
			c.invitedPeople.waits.add(c.minuteOf(v.joined), c.minuteOf(in.day.end)-c.minuteOf(v.joined))
		}
	}
	sum := simulation.Summary{
		Visits: t.Visits, Admitted: t.StraightIn, TurnedAway: t.TurnedAway, Joined: t.Joined, Invited: t.Invited,
		Redeemed: t.Redeemed + t.InGrace, Late: t.CameLate, Lost: t.GaveUp + c.invitedPeople.never, Waiting: t.Joined - t.Invited,
		WaitP50: c.invitedPeople.waits.quantile(0.50), WaitP95: c.invitedPeople.waits.quantile(0.95), WaitMax: float64(c.invitedPeople.waits.longest),
		WaitMinutes: c.invitedPeople.waitedBack, Utilisation: 1,
	}
	if sum.WaitMax > 0 {
		sum.WaitMaxAt = s.Trace.Time(c.invitedPeople.waits.at)
	}
	series := simulation.Series{Start: s.Trace.Start}
	used, before := 0.0, 0
	for i, m := range in.record.minutes[:min(len(in.record.minutes), len(s.Trace.Visits))] {
		sum.Minutes++
		if m.load > sum.MaxLoad {
			sum.MaxLoad, sum.MaxLoadAt = m.load, s.Trace.Time(i)
		}
		if m.load > 1 {
			sum.Above100++
		}
		if m.load > 0.95 {
			sum.Above95++
		}
		if before > 0 && m.line > 0 {
			sum.Queued++
			used += math.Min(m.load, s.Policy.Target)
			sum.MeanLoad += m.load
		}
		before = m.line
		waitOf := 0.0
		if of := c.invitedPeople.waits.of[i]; of != nil {
			waitOf = float64(of.minutes) / float64(of.people)
		}
		series.Demand = append(series.Demand, float64(m.demand))
		series.Visitors = append(series.Visitors, float64(m.visitors))
		series.Admitted = append(series.Admitted, float64(m.admitted))
		series.Returned = append(series.Returned, float64(m.redeemed))
		series.OnSite = append(series.OnSite, float64(m.onSite))
		series.Load = append(series.Load, m.load)
		series.Admit = append(series.Admit, m.admit)
		series.Invited = append(series.Invited, float64(m.claimed))
		series.Waiting = append(series.Waiting, float64(m.line))
		series.Because = append(series.Because, m.because)
		series.WaitOf = append(series.WaitOf, waitOf)
	}
	if sum.Queued > 0 {
		sum.Utilisation = used / float64(sum.Queued) / s.Policy.Target
		sum.MeanLoad /= float64(sum.Queued)
	}
	if served := sum.Admitted + sum.Redeemed; served > 0 {
		sum.MeanDelay = sum.WaitMinutes / float64(served)
	}
	return simulation.Result{Name: s.Name, Control: "raincheck, in full", Summary: sum, Series: series}
}
