package goals

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"raincheck/pkg/admission"
	"raincheck/pkg/format"
	"raincheck/pkg/simulation"
)

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

// Try runs a row with the seeds, each at every queueFirst. compared gives the
// yardsticks of a seed; enough, if not nil, ends it after a seed.
func (r Row) Try(seeds []uint64, law func(admission.Policy) simulation.Controller, compared func(Row, uint64) (Compared, error), enough func(Outcome) bool) (Outcome, error) {
	o := Outcome{Row: r, RuleUse: 1}
	for _, q := range queueFirsts {
		o.Cells = append(o.Cells, Cell{QueueFirst: q, Use: 1, UseBound: 0, AboveBound: -1, Pace: 1})
	}
	for _, seed := range seeds {
		if err := o.try(seed, law, compared); err != nil {
			return o, fmt.Errorf("%s, %s: %w", r.Family, r.Name, err)
		}
		if enough != nil && enough(o) {
			break
		}
	}
	return o, nil
}

// try runs the row with one seed at every queueFirst.
func (o *Outcome) try(seed uint64, law func(admission.Policy) simulation.Controller, compared func(Row, uint64) (Compared, error)) error {
	base, s, err := o.scenario(seed)
	if err != nil {
		return err
	}
	than, err := compared(o.Row, seed)
	if err != nil {
		return err
	}
	o.Rule, o.PI, o.Physics = max(o.Rule, than.Rule), max(o.PI, than.PI), max(o.Physics, than.Physics)
	o.RuleUse = min(o.RuleUse, than.RuleUse)
	for i, q := range queueFirsts {
		s.Policy.QueueFirst = q
		got, err := simulation.Run(s, law)
		if err != nil {
			return err
		}
		b, c := o.bound, &o.Cells[i]
		o.Planner = max(o.Planner, than.Planner[i])
		c.worse(got.Summary, b, than.measure(b.Yardstick, i, s.Policy.Capacity > 0), than.RuleUse)
		if q == 1 && b.P95 > 0 {
			c.worseP95(got.Summary.WaitP95, b.P95*than.P95+1)
		}
		if q == 1 && b.P95Own > 0 {
			base.Policy.QueueFirst = q
			own, err := simulation.Run(base, law)
			if err != nil {
				return err
			}
			c.worseP95(got.Summary.WaitP95, b.P95Own*own.Summary.WaitP95+1)
		}
		if q == 1 && b.Pace > 0 {
			c.PaceBound, c.Pace = b.Pace, min(c.Pace, pace(got)/than.Pace)
		}
	}
	return nil
}

// Far says that a seed is so far from every bound that others would keep them too.
func (o Outcome) Far() bool {
	for _, c := range o.Cells {
		if c.Above > 0 && c.Above > c.AboveBound/2 || c.Load > 0.98 && c.AboveBound < 2 || c.Use < min(c.UseBound+0.01, 0.997) ||
			c.P95 > 0.8*c.P95Bound && c.P95Bound > 0 || c.Pace < c.PaceBound+0.05 && c.PaceBound > 0 || o.bound.NotFull && c.InvitedFull > 0 {
			return false
		}
	}
	return true
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
