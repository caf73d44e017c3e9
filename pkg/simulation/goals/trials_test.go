package goals

import (
	"testing"

	"raincheck/pkg/admission"
	"raincheck/pkg/simulation"
)

// must runs a scenario that is known to be valid.
func must(t testing.TB, s simulation.Scenario, control func(admission.Policy) simulation.Controller) simulation.Result {
	t.Helper()
	r, err := simulation.Run(s, control)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func healthCare(t testing.TB) simulation.Scenario {
	t.Helper()
	trace, err := simulation.Builtin(simulation.HealthCare)
	if err != nil {
		t.Fatal(err)
	}
	return simulation.DefaultScenario(trace)
}

// TestGoals is what must hold on any change of the law, on days that it was made for.
func TestGoals(t *testing.T) {
	t.Parallel()
	days := []string{"hcgov", "ramps", "plateau"}
	for _, day := range days {
		t.Run(day, func(t *testing.T) {
			t.Parallel()
			s := healthCare(t)
			if day != "hcgov" {
				trace, err := simulation.Generate(day, 201)
				if err != nil {
					t.Fatal(err)
				}
				s = simulation.DefaultScenario(trace)
			}
			s.Policy.QueueFirst = 1
			law, pi, planner := must(t, s, simulation.Law).Summary, must(t, s, simulation.PI).Summary, must(t, s, simulation.Planner).Summary
			if law.Above100 > 0 || law.MaxLoad > 0.98 {
				t.Errorf("the load reached %.3f, %d minutes above 1.0", law.MaxLoad, law.Above100)
			}
			if law.Utilisation < 0.998 {
				t.Errorf("while somebody waited %.2f %% of the target was in use, want 99.8", 100*law.Utilisation)
			}
			if share := float64(law.Above95) / float64(law.Minutes); share > 0.01 {
				t.Errorf("%.1f %% of the minutes above 0.95", 100*share)
			}
			if law.WaitP95 > 1.10*planner.WaitP95+1 {
				t.Errorf("95 of 100 wait %.0f min, %.0f with all knowledge: want at most 1.10 times", law.WaitP95, planner.WaitP95)
			}
			if day == "hcgov" && law.WaitP95 > 0.22*pi.WaitP95 {
				t.Errorf("95 of 100 wait %.0f min, %.0f under PI: want at most 0.22", law.WaitP95, pi.WaitP95)
			}
			for _, trial := range trials {
				switch trial.name {
				case "metric 5 min late", "metric frozen for 60 min", "metric missing altogether", "return rate jumps from 0.30 to 0.90", "law begins again in the middle of the day",
					"visits of 8 min", "visits of 50 min", "half try again undecided", "sender paused for an hour", "a quarter of an hour of ticks missed":
					changed := s
					trial.change(&changed)
					if r := must(t, changed, simulation.Law).Summary; r.Above100 > 0 {
						t.Errorf("%s: %d minutes above 1.0, at %.3f", trial.name, r.Above100, r.MaxLoad)
					}
				}
			}
		})
	}
}

// TestWhatOnlyTheDelayCosts: what goes wrong costs the law no more than it does a
// planner that knows all but what is to come, or next to nothing.
func TestWhatOnlyTheDelayCosts(t *testing.T) {
	t.Parallel()
	walk, err := simulation.Generate("walk", 301)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		trial      string
		queueFirst float64
		day        simulation.Trace
		more       int // minutes above 1.0 than the planner's
	}{
		{"capacity falls by 30 % for an hour", 1, healthCare(t).Trace, 3},
		{"capacity falls by 30 % for an hour", 0, healthCare(t).Trace, 3},
		{"metric in whole percents, 1 % noise", 1, healthCare(t).Trace, 0},
		{"capacity 400, unknown", 0.3, healthCare(t).Trace, 8},
		{"people sleep from 23 to 7, nobody said so", 1, walk, 12},
	} {
		t.Run(c.trial, func(t *testing.T) {
			t.Parallel()
			s := simulation.DefaultScenario(c.day)
			s.Policy.QueueFirst = c.queueFirst
			for _, trial := range trials {
				if trial.name == c.trial {
					trial.change(&s)
				}
			}
			least := 0
			if s.People.Night == nil {
				least = must(t, s, simulation.Delayed).Summary.Above100
			}
			r := must(t, s, simulation.Law).Summary
			if r.Above100 > least+c.more {
				t.Errorf("%d minutes above 1.0, at %.2f; %d for the planner", r.Above100, r.MaxLoad, least)
			}
			if s.Conditions.MetricStep > 0 && r.Utilisation < 0.995 {
				t.Errorf("%.1f %% of the target in use while somebody waited, want 99.5", 100*r.Utilisation)
			}
		})
	}
}
