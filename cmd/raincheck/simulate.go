package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/demo"
	"raincheck/pkg/simulation"
)

// simulateCmd runs a day.
//
// It has more than 15 fields: one for each flag.
type simulateCmd struct {
	Trace    string        `group:"The demand and the site" default:"hcgov" placeholder:"FILE" help:"The demand: hcgov, a CSV file (minute,timestamp,count), or a day made up: FAMILY-NUMBER with one of plateau, peaks, ramps, walk, bursts, flash."`
	Offer    float64       `group:"The demand and the site" placeholder:"TIMES" help:"Scale the demand so that its busiest half hour offers this many times the capacity."`
	Step     time.Duration `group:"The demand and the site" default:"1m" help:"How long a row of the trace stands for: 5m, 1h."`
	Capacity float64       `group:"The demand and the site" default:"50000" help:"Visitors at once that are load 1.0."`
	Visit    time.Duration `group:"The demand and the site" default:"25m" help:"Mean length of a visit."`
	Policy   string        `group:"The demand and the site" placeholder:"FILE" help:"The policy, as JSON. Its capacity, when it names one, is what the law believes."`

	QueueFirst *float64 `group:"The policy" placeholder:"SHARE" help:"Share of the free places that the invited may take from new visitors, instead of the policy's."`
	Law        string   `group:"The policy" placeholder:"LAW" help:"observer or ramp, instead of the policy's."`
	Unknown    bool     `group:"The policy" help:"Leave the law to learn the capacity."`

	LeaveAddress float64       `group:"The people" default:"0.95" help:"Share of those turned away who leave an address."`
	ComeBack     float64       `group:"The people" default:"0" help:"Share of the others who try again later."`
	Return       float64       `group:"The people" default:"0.85" help:"Share of the invited who come back."`
	ReturnAfter  time.Duration `group:"The people" default:"10m" help:"How soon half of them do."`
	WillingFor   time.Duration `group:"The people" help:"Mean wait after which people no longer care; 0 is for ever."`
	Returns      string        `group:"The people" placeholder:"median=2h,sigma=1.5" help:"How soon the invited come back: the median, and the spread of its logarithm (1.2)."`
	Night        bool          `group:"The people" help:"People sleep from 23:00 to 7:00 and come in the morning instead."`
	Asleep       float64       `group:"The people" placeholder:"SHARE" help:"The same for that share of the people."`
	Begin        float64       `group:"The people" placeholder:"LOAD" help:"The load at which the day begins: 1.2 is a site that is too full already."`

	MetricLag   int     `group:"What goes wrong" default:"2" help:"Minutes until the load of a minute is known."`
	MetricNoise float64 `group:"What goes wrong" default:"0.03" help:"Noise of the load, as a share of it."`
	Metric      string  `group:"What goes wrong" placeholder:"power=1.6,base=0.2,cap=1.0" help:"A load that does not count people: it grows with a power of them, a part of it is constant, it stops at a cap."`
	MetricStep  float64 `group:"What goes wrong" placeholder:"STEP" help:"What the load is rounded to: 0.01 is whole percents."`
	Frozen      string  `group:"What goes wrong" placeholder:"FROM-UNTIL" help:"In these minutes of the day the load repeats what it said before them: 660-690."`
	NoMetric    string  `group:"What goes wrong" placeholder:"FROM-UNTIL" help:"In these minutes the load is missing."`
	NoCounts    string  `group:"What goes wrong" placeholder:"FROM-UNTIL" help:"In these minutes the edge counts nobody."`
	Drop        string  `group:"What goes wrong" placeholder:"FROM-UNTIL:SHARE" help:"In these minutes the site bears only that share: 660-720:0.7."`
	Jump        string  `group:"What goes wrong" placeholder:"MINUTE:RATE" help:"Who is invited from that minute on comes back at that rate."`
	Missed      string  `group:"What goes wrong" placeholder:"FROM-UNTIL" help:"In these minutes nobody decides; the last decision stands."`
	Restart     int     `group:"What goes wrong" placeholder:"MINUTE" help:"In that minute the law starts again and knows only the codes that are out."`
	Paused      string  `group:"What goes wrong" placeholder:"FROM-UNTIL" help:"In these minutes the sender is paused."`
	Mail        float64 `group:"What goes wrong" placeholder:"PER-SECOND" help:"Mails a second that can be sent; 0 means unlimited."`
	MailDay     float64 `group:"What goes wrong" placeholder:"MAILS" help:"Mails in any 24 hours; 0 means unlimited."`

	Seed    uint64 `group:"What comes of it" default:"1" help:"The same seed gives the same bytes."`
	Full    bool   `group:"What comes of it" help:"Live the day with everybody one by one and the real waiting room, inviter and sender instead: minutes for a large day. Agrees with the fast one within noise."`
	Compare bool   `group:"What comes of it" help:"Run the yardsticks beside it: no waiting room, the rule of 2013, a PI controller, and a planner that knows the day."`
	JSON    bool   `group:"What comes of it" name:"json" help:"Print JSON: the summary and the day by the minute."`
	Report  string `group:"What comes of it" placeholder:"FILE.html" help:"Write one self-contained page with plots."`
}

// Help is shown by --help.
func (c *simulateCmd) Help() string {
	return "What would a capacity have meant: raincheck simulate --capacity 50000 --report day.html. " +
		"A day of your own is a CSV file with a header, minute,timestamp,count, and a row for every minute; " +
		"--offer 2 scales it so that its busiest half hour wants twice what the site bears. " +
		"Minutes in FROM-UNTIL are the day's, 0 at its beginning."
}

// Run runs the day and prints what came of it.
func (c *simulateCmd) Run(e *env) error {
	s, err := c.scenario()
	if err != nil {
		return err
	}
	results, err := c.results(e, s)
	if err != nil {
		return err
	}
	if c.Report != "" {
		if err := c.report(s, results); err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(results)
	}
	fmt.Fprintf(e.stdout, "%s, %s\n\n", s.Name, simulation.Expect(results[0], s.Site.Capacity))
	simulation.Table(e.stdout, results...)
	if c.Report != "" {
		fmt.Fprintf(e.stdout, "\nThe plots are in %s.\n", c.Report)
	}
	return nil
}

// results runs the day by the law and, where they are asked for, by the others.
func (c *simulateCmd) results(e *env, s simulation.Scenario) ([]simulation.Result, error) {
	controls := []func(admission.Policy) simulation.Controller{simulation.Law}
	if c.Compare {
		controls = append(controls, simulation.NoThrottle, simulation.Rule2013, simulation.PI, simulation.Planner)
	}
	var results []simulation.Result
	if c.Full {
		if err := demo.CanLive(s.Conditions); err != nil {
			return nil, usageError{err}
		}
		r, err := demo.Simulate(e.ctx, s, e.now)
		if err != nil {
			return nil, err
		}
		results, controls = append(results, r), controls[1:]
	}
	more, err := runAll(s, controls...)
	return append(results, more...), err
}

func runAll(s simulation.Scenario, controls ...func(admission.Policy) simulation.Controller) (results []simulation.Result, err error) {
	for _, control := range controls {
		r, err := simulation.Run(s, control)
		if err != nil {
			return nil, usageError{err}
		}
		results = append(results, r)
	}
	return results, nil
}

// report writes the page. What a day is measured by stands beside it always.
func (c *simulateCmd) report(s simulation.Scenario, results []simulation.Result) error {
	if !c.Compare {
		more, err := runAll(s, simulation.NoThrottle, simulation.Rule2013)
		if err != nil {
			return err
		}
		results = append(slices.Clone(results), more...)
	}
	f, err := os.Create(c.Report)
	if err != nil {
		return usageError{fmt.Errorf("--report: %w", err)}
	}
	return errors.Join(simulation.Report(f, s, results...), f.Close())
}

// scenario puts the flags together.
func (c *simulateCmd) scenario() (simulation.Scenario, error) {
	site := simulation.DefaultSite()
	site.Capacity, site.Visit = c.Capacity, c.Visit
	trace, err := simulation.Demand(c.Trace, c.Step)
	if err != nil {
		return simulation.Scenario{}, usageError{err}
	}
	if !(c.Offer >= 0 && c.Offer <= 100) {
		return simulation.Scenario{}, badInput("--offer %g: it is a multiple of the capacity, such as 2", c.Offer)
	}
	if c.Offer > 0 {
		trace = trace.Offering(c.Offer, site)
	}
	s := simulation.DefaultScenario(trace)
	s.Site, s.Seed = site, c.Seed
	policy, err := readPolicy(c.Policy)
	if err != nil {
		return simulation.Scenario{}, err
	}
	if policy.Capacity == 0 && !c.Unknown {
		policy.Capacity = c.Capacity
	}
	if c.Unknown {
		policy.Capacity = 0
	}
	if c.QueueFirst != nil {
		policy.QueueFirst = *c.QueueFirst
	}
	if c.Law != "" {
		policy.Law = c.Law
	}
	s.Policy = policy
	s.People.LeaveAddress, s.People.ComeBack, s.People.Return = c.LeaveAddress, c.ComeBack, c.Return
	s.People.ReturnMedian, s.People.WillingFor = c.ReturnAfter, c.WillingFor
	if err := readFlags([]flagText{{"returns", c.Returns, s.People.ReadReturns}}); err != nil {
		return simulation.Scenario{}, err
	}
	if !(c.Asleep >= 0 && c.Asleep <= 1) {
		return simulation.Scenario{}, badInput("--asleep %g: want a share from 0 to 1, such as 0.6", c.Asleep)
	}
	if c.Night || c.Asleep > 0 {
		s.People.Night = &simulation.Night{From: 23, Until: 7}
		if c.Asleep > 0 {
			s.People.Night.Awake = 1 - c.Asleep
		}
	}
	if s.Conditions, err = c.conditions(); err != nil {
		return simulation.Scenario{}, err
	}
	if err := s.Validate(); err != nil {
		return simulation.Scenario{}, usageError{err}
	}
	return s, nil
}

// conditions puts together what goes wrong.
func (c *simulateCmd) conditions() (simulation.Conditions, error) {
	out := simulation.DefaultConditions()
	out.MetricLag, out.MetricNoise, out.MetricStep = c.MetricLag, c.MetricNoise, c.MetricStep
	out.MailPerSecond, out.MailPerDay, out.Restart, out.Begin = c.Mail, c.MailDay, c.Restart, c.Begin
	span := func(into *[]simulation.Span) func(string) error {
		return func(v string) error {
			s, err := simulation.ParseSpan(v)
			*into = []simulation.Span{s}
			return err
		}
	}
	return out, readFlags([]flagText{
		{"metric", c.Metric, numbers(map[string]*float64{"power": &out.MetricPower, "base": &out.MetricBase, "cap": &out.MetricTop})},
		{"frozen", c.Frozen, span(&out.Frozen)},
		{"no-metric", c.NoMetric, span(&out.NoMetric)},
		{"no-counts", c.NoCounts, span(&out.NoEdge)},
		{"missed", c.Missed, span(&out.Missed)},
		{"paused", c.Paused, span(&out.Paused)},
		{"drop", c.Drop, func(v string) (err error) {
			out.Drop = make([]simulation.Span, 1)
			out.Drop[0], out.DropTo, err = simulation.ParseDrop(v)
			return err
		}},
		{"jump", c.Jump, func(v string) (err error) {
			out.Jump, out.JumpTo, err = simulation.ParseJump(v)
			return err
		}},
	})
}

// flagText is a flag whose text means more than one value, and what reads it.
type flagText struct {
	flag, text string
	read       func(string) error
}

// readFlags reads those that were given.
func readFlags(flags []flagText) error {
	for _, f := range flags {
		if f.text == "" {
			continue
		}
		if err := f.read(f.text); err != nil {
			return badInput("--%s %s: %w", f.flag, f.text, err)
		}
	}
	return nil
}

func numbers(into map[string]*float64) func(string) error {
	return func(v string) error { return simulation.ParseNumbers(v, into) }
}
