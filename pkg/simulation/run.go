package simulation

import (
	"fmt"

	"raincheck/pkg/admission"
)

// Controller decides once a minute from what it is told. The law is one; the
// yardsticks are the others.
type Controller interface {
	// Name is how tables call it.
	Name() string
	// Decide answers one observation. Observations come in time order.
	Decide(admission.Observation) admission.Decision
}

// Law is admission.Next under a policy, with its state between the ticks.
func Law(p admission.Policy) Controller { return &law{policy: p} }

type law struct {
	policy admission.Policy
	state  admission.State
}

func (l *law) Name() string { return "raincheck" }

func (l *law) Decide(o admission.Observation) admission.Decision {
	var d admission.Decision
	d, l.state = admission.Next(l.policy, l.state, o)
	return d
}

// Run lives the scenario under a controller, made by control at the start
// and at a restart.
func Run(s Scenario, control func(admission.Policy) Controller) (Result, error) {
	if err := s.Validate(); err != nil {
		return Result{}, fmt.Errorf("simulate %s: %w", s.Name, err)
	}
	w := newWorld(s)
	c := control(s.Policy)
	decided, last := admission.Decision{Admit: 1}, -1
	if p, ok := c.(*physics); ok {
		p.close(w)
	}
	for m := range s.Trace.Visits {
		w.admit[m+s.Conditions.Effect] = decided.Admit
		if !w.missed(m) {
			o := w.observe(last, m)
			if m > 0 && m == s.Conditions.Restart {
				c = control(s.Policy)
				if !s.Conditions.Untold {
					o.Outstanding = w.outstanding(m)
				}
			}
			if p, ok := c.(*planner); ok {
				decided = p.plan(w, m)
			} else {
				decided = c.Decide(o)
			}
			last = m
			w.series.Because[m] = decided.Because
			w.admit[m+s.Conditions.Effect] = decided.Admit
			w.claim(m, decided.Invite)
		}
		w.live(m)
	}
	return Result{Name: s.Name, Control: c.Name(), Summary: w.finish(), Series: w.series}, nil
}
