package simulation

import (
	"errors"
	"fmt"
	"math"
	"time"

	"raincheck/pkg/admission"
)

// Span is a stretch of minutes of a run: From up to, not including, Until.
type Span struct{ From, Until int }

// has says whether the minute lies in one of the spans.
func has(spans []Span, minute int) bool {
	for _, s := range spans {
		if minute >= s.From && minute < s.Until {
			return true
		}
	}
	return false
}

// Conditions are what lies between the site and the law, and what goes wrong.
// The zero value is not usable: begin with DefaultConditions.
//
// It has more than 15 fields: one for each thing that can go wrong.
type Conditions struct {
	// MetricLag is how many minutes ago the newest known minute of the load began.
	MetricLag int
	// MetricNoise is the standard deviation of the load metric, as a share of it.
	MetricNoise float64
	// MetricStep is what the metric is rounded to, 0.01 where it comes in whole
	// percents; 0 is not at all.
	MetricStep float64
	// MetricPower, MetricBase and MetricTop are the metric of a site that does not
	// count people: MetricBase of it is constant, the rest grows with that power of
	// the people (0 is 1), and it never shows more than MetricTop (0: no limit). It
	// shows 1.0 at the capacity whatever they are.
	MetricPower, MetricBase, MetricTop float64
	// MetricGone says that above MetricTop nothing is known instead.
	MetricGone bool
	// Lies are minutes in which the metric shows that many times what it should.
	Lies  []Span
	LieBy float64
	// Said are minutes in which somebody says the load by hand: SaidLoad.
	Said     []Span
	SaidLoad float64
	// NoMetric are minutes in which no load becomes known, and none of them later.
	NoMetric []Span
	// Frozen are minutes in which the metric repeats what it said before them.
	Frozen []Span
	// EdgeLag is the same as MetricLag for the counts at the edge.
	EdgeLag int
	// Sample is N: one visitor in N is counted, as N.
	Sample int
	// NoEdge are minutes whose counts are never known.
	NoEdge []Span
	// Effect is how many minutes a decision takes to reach the edge.
	Effect int
	// MailPerSecond and MailPerDay bound the sender; 0 means unlimited.
	MailPerSecond, MailPerDay float64
	// Paused are minutes in which the sender is paused: what was asked for and not
	// sent goes back to the waitlist.
	Paused []Span
	// Missed are minutes without a tick, MissedShare is the share of all the others
	// that is missing, by chance.
	Missed      []Span
	MissedShare float64
	// Ahead are minutes in which the law's clock is ahead by AheadBy minutes.
	Ahead   []Span
	AheadBy int
	// Drop and DropTo: in these minutes the site bears only that share of its
	// capacity. The policy does not know.
	Drop   []Span
	DropTo float64
	// Jump, from that minute on, changes the return rate of those invited to
	// JumpTo. 0 means that it does not change.
	Jump   int
	JumpTo float64
	// Restart is a minute at which the law starts again with an empty state, told
	// of the codes that are out. 0 is never.
	Restart int
	// Untold leaves those codes out.
	Untold bool
	// Begin is the load at which the day begins, on a site at rest. The metric and
	// the counts of a quarter of an hour before are known. BeginWaiting are on the waitlist then.
	Begin        float64
	BeginWaiting int
	// Nobody are the minutes in which NobodyPer addresses a minute are posted that
	// belong to nobody.
	Nobody    []Span
	NobodyPer int
	// Deferred is the share of the mails that arrives DeferredFor later; the law is
	// told of it unless DeferredUntold.
	Deferred       float64
	DeferredFor    time.Duration
	DeferredUntold bool
	// Unreported leaves out what mails were sent, as a simulator may that knows
	// nothing of mails.
	Unreported bool
}

// DefaultConditions are those of the goal table: load and counts two minutes
// late, 3 % of noise, one visitor in 20 counted, a minute until a decision is in
// effect.
func DefaultConditions() Conditions {
	return Conditions{MetricLag: 2, MetricNoise: 0.03, EdgeLag: 2, Sample: 20, Effect: 1}
}

// Scenario is one day to run: everything but the controller.
type Scenario struct {
	Name       string
	Trace      Trace
	People     People
	Site       Site
	Conditions Conditions
	// Policy is what the law is told. Its capacity may differ from the site's.
	Policy admission.Policy
	Seed   uint64
}

// DefaultScenario is the base setting of the goal table on that trace.
func DefaultScenario(t Trace) Scenario {
	p := admission.DefaultPolicy()
	p.Capacity = DefaultSite().Capacity
	return Scenario{Name: t.Name, Trace: t, People: DefaultPeople(), Site: DefaultSite(), Conditions: DefaultConditions(), Policy: p, Seed: 1}
}

// Validate reports everything that is wrong with the scenario.
func (s Scenario) Validate() error {
	c := s.Conditions
	var conditions error
	switch {
	case c.MetricLag < 1 || c.MetricLag > 60 || c.EdgeLag < 1 || c.EdgeLag > 60:
		conditions = fmt.Errorf("a metric %d min and counts %d min late: a minute is known between 1 and 60 minutes after it began", c.MetricLag, c.EdgeLag)
	case c.Effect < 0 || c.Effect > 60:
		conditions = fmt.Errorf("a decision in effect after %d min: it takes 0 to 60", c.Effect)
	case !(c.MetricNoise >= 0 && c.MetricNoise <= 1):
		conditions = fmt.Errorf("a metric noise of %v: it is a share from 0 to 1", c.MetricNoise)
	case !(c.MetricStep >= 0 && c.MetricStep <= 0.5):
		conditions = fmt.Errorf("a metric in steps of %v: they are 0, for none, to 0.5", c.MetricStep)
	case c.Sample < 1 || c.Sample > 1e6:
		conditions = fmt.Errorf("one visitor in %d is counted: it takes a number of 1 or more", c.Sample)
	case !(c.MailPerSecond >= 0 && c.MailPerSecond <= 1e9 && c.MailPerDay >= 0 && c.MailPerDay <= 1e12):
		conditions = fmt.Errorf("mails of %v a second and %v a day: they are numbers, 0 for no bound", c.MailPerSecond, c.MailPerDay)
	default:
		conditions = errors.Join(c.shape(), c.within(len(s.Trace.Visits)))
	}
	var trace error
	if n := len(s.Trace.Visits); n == 0 || n > 60*24*31 {
		trace = fmt.Errorf("a trace of %d minutes: it takes between 1 and a month's", n)
	} else if total := s.Trace.Total(); total > 5e7 || math.IsNaN(total) {
		trace = fmt.Errorf("a trace of %.0f visits: more than 50 million; scale it to the site with --offer", total)
	}
	return errors.Join(s.Policy.Validate(), s.People.Validate(), s.Site.Validate(), conditions, trace)
}

// shape reports a metric or a beginning that cannot be.
func (c Conditions) shape() error {
	for _, v := range []struct {
		name      string
		value     float64
		low, high float64
	}{
		{"a metric that grows with the power", c.MetricPower, 0, 4}, {"a constant part of the metric", c.MetricBase, 0, 0.9},
		{"a top of the metric", c.MetricTop, 0, 10}, {"a metric that lies by a factor", c.LieBy, 0, 10}, {"a load said", c.SaidLoad, 0, 20},
		{"a share of missed ticks", c.MissedShare, 0, 0.99}, {"a clock ahead by", float64(c.AheadBy), 0, 1440},
		{"a load at the beginning", c.Begin, 0, 10}, {"a waitlist at the beginning", float64(c.BeginWaiting), 0, 1e7},
		{"addresses of nobody a minute", float64(c.NobodyPer), 0, 1e6}, {"a share of deferred mails", c.Deferred, 0, 1},
		{"minutes of a deferred mail", c.DeferredFor.Minutes(), 0, 1440},
	} {
		if !(v.value >= v.low && v.value <= v.high) {
			return fmt.Errorf("%s is %v: want a number from %v to %v", v.name, v.value, v.low, v.high)
		}
	}
	return nil
}

// within reports a time that lies beyond the day: a run in which what was asked
// for never happens would pass for one that withstood it.
func (c Conditions) within(minutes int) error {
	var problems []error
	for _, s := range []struct {
		name  string
		spans []Span
	}{
		{"no metric", c.NoMetric}, {"a frozen metric", c.Frozen}, {"no counts", c.NoEdge}, {"a paused sender", c.Paused},
		{"missed ticks", c.Missed}, {"a clock ahead", c.Ahead}, {"a metric that lies", c.Lies}, {"a load said by hand", c.Said},
		{"addresses of nobody", c.Nobody}, {"a drop of the capacity", c.Drop},
		{"a restart", []Span{{c.Restart, c.Restart + 1}}}, {"a jump of the return rate", []Span{{c.Jump, c.Jump + 1}}},
	} {
		for _, span := range s.spans {
			if span.From < 0 || span.From >= minutes || span.Until <= span.From {
				problems = append(problems, fmt.Errorf("%s from minute %d until %d: the day has %d minutes", s.name, span.From, span.Until, minutes))
			}
		}
	}
	return errors.Join(problems...)
}

// tick is the time of a minute's decision.
func (s Scenario) tick(minute int) time.Time { return s.Trace.Time(minute) }
