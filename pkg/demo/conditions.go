package demo

import (
	"math/rand/v2"
	"slices"

	"raincheck/pkg/gate"
	"raincheck/pkg/simulation"
	"raincheck/pkg/twin/outbox"
)

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

// misses says that a minute has no tick.
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
