package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/simulation"
	"raincheck/pkg/twin/outbox"
)

// Simulate lives a scenario with everybody in it one by one and the real use
// cases, where simulation.Run counts cohorts and calls the law alone: the two
// agree within noise, or one of them is wrong. It has no limit of time: a day of
// three million visits takes minutes.
//
// Of the conditions it knows the noise of the metric, the sample at the edge,
// the mail service's bounds, missed ticks and a drop of the capacity; for any
// other it says that it cannot. Lags and effect are those of the real thing: two
// minutes and half a minute.
func Simulate(ctx context.Context, s simulation.Scenario, now func() time.Time) (simulation.Result, error) {
	if err := errors.Join(s.Validate(), CanLive(s.Conditions)); err != nil {
		return simulation.Result{}, fmt.Errorf("simulate %s in full: %w", s.Name, err)
	}
	story := Replay(s.Trace)
	story.Site, story.People, story.Policy = s.Site, s.People, s.Policy
	story.Bounces, story.Leaves, story.Cut = 0, 0, true
	c := s.Conditions
	in, err := New(Config{Story: story, Origin: "http://localhost:8080", Seed: s.Seed, Repeatable: true, Now: now, conditions: &c})
	if err != nil {
		return simulation.Result{}, err
	}
	totals, err := in.Run(ctx)
	if err != nil {
		return simulation.Result{}, errors.Join(fmt.Errorf("simulate %s in full: %w", s.Name, err), in.Close())
	}
	return in.result(s, totals), in.Close()
}

// CanLive refuses what only the fast simulation can do, each by name.
func CanLive(c simulation.Conditions) error {
	var problems []error
	for _, only := range []struct {
		name  string
		asked bool
	}{
		{"a lag of the metric or the counts other than 2 minutes", c.MetricLag != 2 || c.EdgeLag != 2},
		{"a metric in steps", c.MetricStep > 0},
		{"an effect other than after 1 minute", c.Effect != 1},
		{"a metric that is missing or frozen", len(c.NoMetric)+len(c.Frozen) > 0},
		{"counts that are missing", len(c.NoEdge) > 0},
		{"a paused sender", len(c.Paused) > 0},
		{"a return rate that jumps", c.Jump > 0},
		{"a law that begins anew", c.Restart > 0},
		{"mails that go unreported", c.Unreported},
	} {
		if only.asked {
			problems = append(problems, fmt.Errorf("%s can only be simulated without --full", only.name))
		}
	}
	return errors.Join(problems...)
}

// conditions are a scenario's, on a running instance.
type conditions struct {
	simulation.Conditions
	rand *rand.Rand
}

// apply sets up what the conditions change from the start.
func (in *Instance) apply(c *simulation.Conditions) {
	if c == nil {
		return
	}
	in.conditions = &conditions{*c, rand.New(rand.NewPCG(in.config.Seed, 2))}
	in.outbox.Allow(outbox.Allowance{PerSecond: c.MailPerSecond, PerDay: c.MailPerDay})
}

// sample is the edge's setting: one visitor in how many is counted.
func (in *Instance) sample(s gate.Settings) gate.Settings {
	if in.config.Story.Sample > 0 {
		s.Sample = in.config.Story.Sample
	}
	if c := in.config.conditions; c != nil {
		s.Sample = c.Sample
	}
	return s
}

// measured is what the metric makes of a load.
func (c *conditions) measured(load float64) float64 {
	if c == nil {
		return load
	}
	return max(0, load*(1+c.MetricNoise*c.rand.NormFloat64()))
}

// misses says that there is no tick in a minute.
func (c *conditions) misses(minute int) bool { return c != nil && within(c.Missed, minute) }

// bears is what the site bears in a minute.
func (c *conditions) bears(minute int, capacity float64) float64 {
	if c != nil && within(c.Drop, minute) {
		return capacity * c.DropTo
	}
	return capacity
}

func within(spans []simulation.Span, minute int) bool {
	return slices.ContainsFunc(spans, func(s simulation.Span) bool { return minute >= s.From && minute < s.Until })
}

// waits are how long those who joined in each minute waited for their mail.
type waits struct {
	minutes []int // how many waited so many minutes
	of      map[int]*wait
	longest int
	at      int // the minute in which they joined
}

type wait struct{ people, minutes int }

func (w *waits) add(joined, minutes int) {
	for len(w.minutes) <= minutes {
		w.minutes = append(w.minutes, 0)
	}
	w.minutes[minutes]++
	if w.of == nil {
		w.of = map[int]*wait{}
	}
	of := w.of[joined]
	if of == nil {
		of = &wait{}
		w.of[joined] = of
	}
	of.people++
	of.minutes += minutes
	if minutes > w.longest {
		w.longest, w.at = minutes, joined
	}
}

// quantile is the wait that this share of the people did not exceed.
func (w *waits) quantile(q float64) float64 {
	total := 0
	for _, n := range w.minutes {
		total += n
	}
	rest := int(q * float64(total))
	for m, n := range w.minutes {
		if rest -= n; rest < 0 {
			return float64(m)
		}
	}
	return 0
}

// result puts a run into the words of the simulation.
func (in *Instance) result(s simulation.Scenario, t Totals) simulation.Result {
	c := in.crowd
	for _, v := range c.waiting {
		if v.mails == 0 {
			c.waits.add(c.minuteOf(v.joined), c.minuteOf(in.end)-c.minuteOf(v.joined))
		}
	}
	sum := simulation.Summary{
		Visits: t.Visits, Door: t.StraightIn, TurnedAway: t.TurnedAway, Joined: t.Joined, Invited: t.Invited,
		Redeemed: t.Redeemed + t.InGrace, Late: t.CameLate, Lost: t.GaveUp + c.never, Waiting: t.Joined - t.Invited,
		WaitP50: c.waits.quantile(0.50), WaitP95: c.waits.quantile(0.95), WaitMax: float64(c.waits.longest),
		WaitMinutes: c.waitedBack, Utilisation: 1,
	}
	if sum.WaitMax > 0 {
		sum.WaitMaxAt = s.Trace.Time(c.waits.at)
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
		if of := c.waits.of[i]; of != nil {
			waitOf = float64(of.minutes) / float64(of.people)
		}
		series.Demand = append(series.Demand, float64(m.demand))
		series.Visitors = append(series.Visitors, float64(m.visitors))
		series.Door = append(series.Door, float64(m.admitted))
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
	if served := sum.Door + sum.Redeemed; served > 0 {
		sum.MeanDelay = sum.WaitMinutes / float64(served)
	}
	return simulation.Result{Name: s.Name, Control: "raincheck, in full", Summary: sum, Series: series}
}
