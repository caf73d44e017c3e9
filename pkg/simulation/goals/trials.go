package goals

import (
	"time"

	"raincheck/pkg/simulation"
)

// trial is a change of the base setting.
type trial struct {
	name   string
	change func(*simulation.Scenario)
}

// trials are what may go wrong on a day that the law was made for, an hour after its
// busiest minute or at it.
var trials = []trial{
	{"metric 5 min late", func(s *simulation.Scenario) { s.Conditions.MetricLag = 5 }},
	{"metric in whole percents, 1 % noise", func(s *simulation.Scenario) { s.Conditions.MetricStep, s.Conditions.MetricNoise = 0.01, 0.01 }},
	{"metric frozen for 60 min", func(s *simulation.Scenario) {
		p := busiest(s.Trace)
		s.Conditions.Frozen = []simulation.Span{{From: p, Until: p + 60}}
	}},
	{"metric missing altogether", func(s *simulation.Scenario) {
		s.Conditions.NoMetric = []simulation.Span{{From: 0, Until: len(s.Trace.Visits)}}
	}},
	{"return rate jumps from 0.30 to 0.90", func(s *simulation.Scenario) {
		s.People.Return, s.Conditions.Jump, s.Conditions.JumpTo = 0.3, busiest(s.Trace)+60, 0.9
	}},
	{"capacity falls by 30 % for an hour", func(s *simulation.Scenario) {
		p := busiest(s.Trace) + 60
		s.Conditions.Drop, s.Conditions.DropTo = []simulation.Span{{From: p, Until: p + 60}}, 0.7
	}},
	{"capacity 400, unknown", func(s *simulation.Scenario) { small(s); s.Policy.Capacity = 0 }},
	{"visits of 8 min", func(s *simulation.Scenario) { visits(s, 8*time.Minute) }},
	{"visits of 50 min", func(s *simulation.Scenario) { visits(s, 50*time.Minute) }},
	{"half try again undecided", func(s *simulation.Scenario) { s.People.LeaveAddress, s.People.ComeBack = 0.5, 0.9 }},
	{"law begins again in the middle of the day", func(s *simulation.Scenario) { s.Conditions.Restart = busiest(s.Trace) }},
	{"sender paused for an hour", func(s *simulation.Scenario) {
		p := busiest(s.Trace)
		s.Conditions.Paused = []simulation.Span{{From: p, Until: p + 60}}
	}},
	{"a quarter of an hour of ticks missed", func(s *simulation.Scenario) {
		p := busiest(s.Trace)
		s.Conditions.Missed = []simulation.Span{{From: p, Until: p + 15}}
	}},
	{"people sleep from 23 to 7, nobody said so", func(s *simulation.Scenario) { s.People.Night = &simulation.Night{From: 23, Until: 7} }},
}

// small is the base setting at a capacity of 400.
func small(s *simulation.Scenario) {
	s.Trace = s.Trace.Times(400 / s.Site.Capacity)
	s.Site.Capacity, s.Policy.Capacity = 400, 400
}

// visits changes the length of visits; the demand follows, so that it offers the
// same multiple of the capacity.
func visits(s *simulation.Scenario, mean time.Duration) {
	s.Trace = s.Trace.Times(s.Site.Visit.Minutes() / mean.Minutes())
	s.Site.Visit = mean
}

// busiest is the minute of the highest demand.
func busiest(t simulation.Trace) int {
	best := 0
	for m, v := range t.Visits {
		if v > t.Visits[best] {
			best = m
		}
	}
	return best
}
