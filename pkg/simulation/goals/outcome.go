package goals

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"raincheck/pkg/admission"
	"raincheck/pkg/format"
	"raincheck/pkg/simulation"
)

// queueFirsts are what every row is run with.
var queueFirsts = [...]float64{1, 0.3, 0}

// Cell is a row at one queueFirst, the worst of its seeds.
type Cell struct {
	QueueFirst float64
	// Above is the minutes above 100 % against AboveBound, of the seed that passes
	// it by most; Use, P95 and Pace likewise.
	Above, AboveBound int
	Load              float64
	Use, UseBound     float64
	P95, P95Bound     float64
	Pace, PaceBound   float64
	InvitedFull       int
}

// Outcome is a row with what came of it.
type Outcome struct {
	Row
	Cells []Cell
	// The yardsticks' minutes above 100 %, and the utilisation of 2013's rule.
	Rule, PI, Planner, Physics int
	RuleUse                    float64
}

// useSlack is what a utilisation may be below its bound: it is printed in tenths of
// a percent.
const useSlack = 0.0005

// bold marks what misses its bound.
func bold(missed bool, text string) string {
	if missed {
		return "**" + text + "**"
	}
	return text
}

// Fails are the bounds that are not kept, in words.
func (o Outcome) Fails() (fails []string) {
	for _, c := range o.Cells {
		say := func(format string, args ...any) {
			fails = append(fails, fmt.Sprintf("%s, %s, queueFirst %g: ", o.Family, o.Name, c.QueueFirst)+fmt.Sprintf(format, args...))
		}
		if c.Above > c.AboveBound {
			say("%d minutes above 100 %% (%.2f), at most %d", c.Above, c.Load, c.AboveBound)
		}
		if c.Use < c.UseBound-useSlack {
			say("%.1f %% in use, at least %.1f %%", 100*c.Use, 100*c.UseBound)
		}
		if c.P95Bound > 0 && c.P95 > c.P95Bound {
			say("p95 wait %.0f min, at most %.0f", c.P95, c.P95Bound)
		}
		if c.PaceBound > 0 && c.Pace < c.PaceBound {
			say("%.0f %% of the planner's pace, at least %.0f %%", 100*c.Pace, 100*c.PaceBound)
		}
		if o.bound.NotFull && c.InvitedFull > 0 {
			say("%d invited while the load was at the target or above", c.InvitedFull)
		}
	}
	return fails
}

// Try runs a row with every seed and at every queueFirst.
func (r Row) Try(seeds []uint64, law func(admission.Policy) simulation.Controller) (Outcome, error) {
	o := Outcome{Row: r, RuleUse: 1}
	for _, q := range queueFirsts {
		o.Cells = append(o.Cells, Cell{QueueFirst: q, Use: 1, UseBound: 0, AboveBound: -1, Pace: 1})
	}
	for _, seed := range seeds {
		if err := o.try(seed, law); err != nil {
			return o, err
		}
	}
	return o, nil
}

// try runs the row with one seed at every queueFirst.
func (o *Outcome) try(seed uint64, law func(admission.Policy) simulation.Controller) error {
	r := o.Row
	t, err := r.day(seed)
	if err != nil {
		return err
	}
	base := simulation.DefaultScenario(t)
	base.Seed = seed
	run := func(s simulation.Scenario, control func(admission.Policy) simulation.Controller) simulation.Result {
		var result simulation.Result
		if err == nil {
			result, err = simulation.Run(s, control)
		}
		return result
	}
	s := base
	r.change(&s)
	rule, pi := run(s, simulation.Rule2013).Summary, run(s, simulation.PI).Summary
	var physics int
	if r.bound.Yardstick == "physics" {
		closed := s
		closed.Conditions.BeginWaiting = 0
		physics = run(closed, simulation.Physics).Summary.Above100
	}
	o.Rule, o.PI, o.Physics = max(o.Rule, rule.Above100), max(o.PI, pi.Above100), max(o.Physics, physics)
	o.RuleUse = min(o.RuleUse, rule.Utilisation)
	for i, q := range queueFirsts {
		s.Policy.QueueFirst = q
		got := run(s, law)
		b, c := r.bound, &o.Cells[i]
		var planner simulation.Result
		if b.Yardstick == "planner" || q == 1 && (b.P95 > 0 || b.Pace > 0) {
			planner = run(s, simulation.Delayed)
			o.Planner = max(o.Planner, planner.Summary.Above100)
		}
		measure := map[string]int{"physics": physics, "rule": rule.Above100, "PI": pi.Above100, "planner": planner.Summary.Above100}
		if s.Policy.Capacity == 0 { // which PI cannot do without
			measure["PI"] = rule.Above100
		}
		c.worse(got.Summary, b, measure[b.Yardstick], rule.Utilisation)
		if q == 1 && b.P95 > 0 {
			c.worseP95(got.Summary.WaitP95, b.P95*planner.Summary.WaitP95+1)
		}
		if q == 1 && b.P95Own > 0 {
			own := base
			own.Policy.QueueFirst = q
			c.worseP95(got.Summary.WaitP95, b.P95Own*run(own, law).Summary.WaitP95+1)
		}
		if q == 1 && b.Pace > 0 {
			c.PaceBound, c.Pace = b.Pace, min(c.Pace, pace(got)/pace(planner))
		}
	}
	if err != nil {
		return fmt.Errorf("%s, %s: %w", r.Family, r.Name, err)
	}
	return nil
}

// worse keeps the worst of the seeds, each against its own bound.
func (c *Cell) worse(sum simulation.Summary, b Bound, measure int, rule float64) {
	times := b.Times
	if times == 0 {
		times = 1
	}
	if bound := int(times*float64(measure)) + b.Above; c.AboveBound < 0 || sum.Above100-bound > c.Above-c.AboveBound {
		c.Above, c.AboveBound, c.Load = sum.Above100, bound, sum.MaxLoad
	}
	if bound := max(b.Use, rule); c.UseBound == 0 || sum.Utilisation-bound < c.Use-c.UseBound {
		c.Use, c.UseBound = sum.Utilisation, bound
	}
	c.InvitedFull = max(c.InvitedFull, sum.InvitedFull)
}

func (c *Cell) worseP95(p95, bound float64) {
	if c.P95Bound == 0 || p95-bound > c.P95-c.P95Bound {
		c.P95, c.P95Bound = p95, bound
	}
}

// pace is how many person-minutes since their invitation the day holds: all of it
// when everybody is invited at once.
func pace(r simulation.Result) float64 {
	sum, all := 0.0, 0.0
	for _, n := range r.Series.Invited {
		sum += n
		all += sum
	}
	return math.Max(all, 1)
}

// WriteOutcomes writes the table of the families as Markdown.
func WriteOutcomes(w io.Writer, outcomes []Outcome) {
	fmt.Fprint(w, "| | 2013 | PI | physics, planner | law: minutes above | at most | in use | at least | p95, pace | bound |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	family := ""
	for _, o := range outcomes {
		if o.Family != family {
			family = o.Family
			fmt.Fprintf(w, "| **%s** | | | | | | | | | |\n", family)
		}
		var above, bound, use, least []string
		full, filled, empty := 0, false, false
		for _, c := range o.Cells {
			above = append(above, fmt.Sprint(c.Above))
			bound = append(bound, fmt.Sprint(c.AboveBound))
			use = append(use, fmt.Sprintf("%.1f", 100*c.Use))
			least = append(least, fmt.Sprintf("%.1f", 100*c.UseBound))
			full = max(full, c.InvitedFull)
			filled, empty = filled || c.Above > c.AboveBound, empty || c.Use < c.UseBound-useSlack
		}
		by := ""
		switch o.bound.Yardstick {
		case "physics":
			by = fmt.Sprint(o.Physics)
		}
		if o.bound.P95 > 0 || o.bound.Pace > 0 || o.bound.Yardstick == "planner" {
			by = fmt.Sprint(o.Planner)
		}
		note := ""
		if o.bound.NotFull && full > 0 {
			note = fmt.Sprintf("; %s invited while full", format.Thousands(full))
		}
		wait, limit := "", ""
		if c := o.Cells[0]; c.P95Bound > 0 {
			wait, limit = bold(c.P95 > c.P95Bound, fmt.Sprintf("%.0f min", c.P95)), fmt.Sprintf("%.0f", c.P95Bound)
		} else if c.PaceBound > 0 {
			wait, limit = bold(c.Pace < c.PaceBound, fmt.Sprintf("%.0f %%", 100*c.Pace)), fmt.Sprintf("%.0f", 100*c.PaceBound)
		}
		fmt.Fprintf(w, "| %s%s | %d | %d | %s | %s | %s | %s | %s | %s | %s |\n", o.Name, note, o.Rule, o.PI, by,
			bold(filled, strings.Join(above, "/")), strings.Join(slices.Compact(bound), "/"), bold(empty, strings.Join(use, "/")), strings.Join(slices.Compact(least), "/"), wait, limit)
	}
}
