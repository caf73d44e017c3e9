package operator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"testing"

	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

// The five states. Throttle goes by 2013's rule, whose share follows from the
// load alone, so that the same hour on both gives the same shares.
var states = []struct {
	name  string
	throw operator.Change
}{
	{"open", operator.Change{Mode: gate.Open}},
	{"throttle", operator.Change{Mode: gate.Throttle, Law: "ramp"}},
	{"fixed", operator.Change{Mode: gate.Throttle, Admit: new(0.3)}},
	{"hold", operator.Change{Mode: gate.Hold}},
	{"observe", operator.Change{Mode: gate.Observe}},
}

// busy is the load that the operator says every minute, and byTheRule the share
// that 2013's rule makes of it.
const (
	busy      = 0.85
	byTheRule = 0.667
)

// row is what the edge has right after a switch.
type row struct {
	letsIn float64
	fixed  bool
	ends   bool
	// base is what it does without the gate: open, hold at a share, or left as it
	// was before the switch (empty).
	base string
}

// The 25 pairs: what is in force right after the switch, before the inviter has
// looked. A share below 1 that nobody fixed always has an end.
var pairs = map[string]map[string]row{
	"open": {
		"open": {1, false, false, "open"}, "throttle": {1, false, false, ""}, "fixed": {0.3, true, false, ""},
		"hold": {0, false, false, "hold 0"}, "observe": {1, false, false, "open"},
	},
	"throttle": {
		"open": {1, false, false, "open"}, "throttle": {byTheRule, false, true, ""}, "fixed": {0.3, true, false, ""},
		"hold": {0, false, false, "hold 0"}, "observe": {1, false, false, "open"},
	},
	"fixed": {
		"open": {1, false, false, "open"}, "throttle": {0.3, false, true, ""}, "fixed": {0.3, true, false, ""},
		"hold": {0, false, false, "hold 0"}, "observe": {1, false, false, "open"},
	},
	"hold": {
		"open": {1, false, false, "open"}, "throttle": {0, false, true, "hold 0.2"}, "fixed": {0.3, true, false, "hold 0.2"},
		"hold": {0, false, false, "hold 0"}, "observe": {1, false, false, "open"},
	},
	"observe": {
		"open": {1, false, false, "open"}, "throttle": {1, false, false, ""}, "fixed": {0.3, true, false, ""},
		"hold": {0, false, false, "hold 0"}, "observe": {1, false, false, "open"},
	},
}

// settled is what the edge has after the inviter's next tick, by the failure that
// the stack is configured with.
func settled(to string, failure gate.Failure) row {
	configured := "open"
	if failure == gate.FailHold {
		configured = "hold 0.2"
	}
	return map[string]row{
		"open":     {1, false, false, "open"},
		"throttle": {byTheRule, false, true, configured},
		"fixed":    {0.3, true, false, configured},
		"hold":     {0, false, false, "hold 0"},
		"observe":  {1, false, false, "open"},
	}[to]
}

// shown is the row that a snapshot shows.
func shown(s operator.Snapshot) (row, error) {
	var g struct {
		Fixed bool
		Until int64
	}
	var b struct {
		Failure string
		Stale   float64
	}
	if err := errors.Join(json.Unmarshal(s.Gate, &g), json.Unmarshal(s.Base, &b)); err != nil || s.Admit == nil {
		return row{}, fmt.Errorf("gate %s, base %s: %w", s.Gate, s.Base, err)
	}
	if b.Failure == "hold" {
		b.Failure = fmt.Sprintf("hold %g", b.Stale)
	}
	return row{letsIn: *s.Admit, fixed: g.Fixed, ends: g.Until != 0, base: b.Failure}, nil
}

func (r row) is(want row) bool {
	return math.Abs(r.letsIn-want.letsIn) < 1e-9 && r.fixed == want.fixed && r.ends == want.ends && (want.base == "" || r.base == want.base)
}

// lawsShare is the share in a gate.
var lawsShare = regexp.MustCompile(`"admit":[0-9.e-]+,`)

// TestEveryPairOfStates throws the switch from every state to every state, on the
// demo and on a deployed stack, looks at once and again after the inviter's next
// tick, and holds the two equal, document by document.
func TestEveryPairOfStates(t *testing.T) {
	t.Parallel()
	type world struct {
		name    string
		failure gate.Failure
		raincheck
	}
	worlds := []world{
		{"the demo", gate.FailOpen, newTown(t)},
		{"deployed", gate.FailOpen, newDeployed(t, gate.FailOpen)},
		{"deployed, EdgeFailure hold", gate.FailHold, newDeployed(t, gate.FailHold)},
	}
	var seen [][]operator.Snapshot
	for _, w := range worlds {
		var all []operator.Snapshot
		look := func(when string, want row) {
			s, err := w.see()
			if err != nil {
				t.Fatalf("%s, %s: %v", w.name, when, err)
			}
			got, err := shown(s)
			if err != nil {
				t.Fatalf("%s, %s: %v", w.name, when, err)
			}
			if !got.is(want) {
				t.Errorf("%s, %s: the edge has %+v, want %+v", w.name, when, got, want)
			}
			all = append(all, s)
		}
		do := func(err error) {
			if err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
		}
		for _, from := range states {
			for _, to := range states {
				do(w.change(from.throw))
				do(w.change(operator.Change{Load: new(busy)}))
				do(w.minute())
				name := from.name + " to " + to.name
				look(name+", before", settled(from.name, w.failure))
				do(w.change(to.throw))
				look(name, pairs[from.name][to.name])
				do(w.change(operator.Change{Load: new(busy)}))
				do(w.minute())
				look(name+", a tick later", settled(to.name, w.failure))
			}
		}
		seen = append(seen, all)
	}
	for i, d := range seen[0] {
		stack := seen[1][i]
		// The law's own share depends on what each world counts at its edge.
		gate, its := d.Gate, stack.Gate
		if d.Control.Admit == nil {
			gate, its = lawsShare.ReplaceAll(gate, nil), lawsShare.ReplaceAll(its, nil)
		}
		if string(gate) != string(its) || string(d.Base) != string(stack.Base) {
			t.Errorf("snapshot %d: the demo has %s and %s, the stack %s and %s", i, d.Gate, d.Base, stack.Gate, stack.Base)
		}
		if d.Control.EffectiveMode() != stack.Control.EffectiveMode() || !d.Control.Switched.Equal(stack.Control.Switched) {
			t.Errorf("snapshot %d: the demo has %+v, the stack %+v", i, d.Control, stack.Control)
		}
	}
}
