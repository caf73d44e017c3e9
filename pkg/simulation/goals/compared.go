// Package goals holds the admission law to what is asked of it: the goal table of
// docs/control-table.md, on days like those the law was made for and on families of
// days that it was not.
package goals

import (
	"math"

	"raincheck/pkg/admission"
	"raincheck/pkg/simulation"
)

// queueFirsts are what every row is run with.
var queueFirsts = [...]float64{1, 0.3, 0}

// scenario is the row's day with one seed, at the base settings and changed.
func (r Row) scenario(seed uint64) (base, changed simulation.Scenario, err error) {
	t, err := r.day(seed)
	if err != nil {
		return base, changed, err
	}
	base = simulation.DefaultScenario(t)
	base.Seed = seed
	changed = base
	r.change(&changed)
	return base, changed, nil
}

// Compared is what others than the law make of a row with one seed.
type Compared struct {
	// Rule, PI, Physics and Planner are the minutes above 100 %, the planner's at each
	// queueFirst; RuleUse is the utilisation of 2013's rule.
	Rule    int                   `json:"rule"`
	RuleUse float64               `json:"ruleUse"`
	PI      int                   `json:"pi"`
	Physics int                   `json:"physics,omitempty"`
	Planner [len(queueFirsts)]int `json:"planner,omitzero"`
	// P95 and Pace are the planner's at queueFirst 1.
	P95  float64 `json:"p95,omitempty"`
	Pace float64 `json:"pace,omitempty"`
}

// Compare runs what a row is compared with. Nothing of it depends on the numbers of
// the law.
func Compare(r Row, seed uint64) (c Compared, err error) {
	_, s, err := r.scenario(seed)
	run := func(s simulation.Scenario, control func(admission.Policy) simulation.Controller) (result simulation.Result) {
		if err == nil {
			result, err = simulation.Run(s, control)
		}
		return result
	}
	rule := run(s, simulation.Rule2013).Summary
	c.Rule, c.RuleUse, c.PI = rule.Above100, rule.Utilisation, run(s, simulation.PI).Summary.Above100
	if r.bound.Yardstick == "physics" {
		closed := s
		closed.Conditions.BeginWaiting = 0
		c.Physics = run(closed, simulation.Physics).Summary.Above100
	}
	for i, q := range queueFirsts {
		if s.Policy.QueueFirst = q; r.bound.Yardstick == "planner" || q == 1 && (r.bound.P95 > 0 || r.bound.Pace > 0) {
			planner := run(s, simulation.Delayed)
			c.Planner[i] = planner.Summary.Above100
			if q == 1 {
				c.P95, c.Pace = planner.Summary.WaitP95, pace(planner)
			}
		}
	}
	return c, err
}

// measure is the minutes above 100 % of a yardstick at one queueFirst. PI cannot do
// without a capacity: where it is unknown 2013's rule stands for it.
func (c Compared) measure(yardstick string, queueFirst int, known bool) int {
	switch {
	case yardstick == "physics":
		return c.Physics
	case yardstick == "planner":
		return c.Planner[queueFirst]
	case yardstick == "rule", yardstick == "PI" && !known:
		return c.Rule
	case yardstick == "PI":
		return c.PI
	}
	return 0
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
