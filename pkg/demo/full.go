package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/simulation"
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
	story.Mailboxes = Mailboxes{}
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
		{"a law that begins again", c.Restart > 0},
		{"mails that go unreported", c.Unreported},
		{"a metric that does not count people", c.MetricPower > 0 || c.MetricBase > 0 || c.MetricTop > 0},
		{"a load at the beginning", c.Begin > 0},
	} {
		if only.asked {
			problems = append(problems, fmt.Errorf("%s can only be simulated without --full", only.name))
		}
	}
	return errors.Join(problems...)
}
