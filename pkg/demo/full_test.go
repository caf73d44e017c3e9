package demo

import (
	"math"
	"testing"
	"time"

	"raincheck/pkg/simulation"
)

// The fast simulation counts cohorts and calls the law; the full one lives with
// everybody and the real use cases. If they tell two different days, one of
// them is wrong.
func TestTheFullSimulationAgreesWithTheFastOne(t *testing.T) {
	t.Parallel()
	visits := make([]float64, 300)
	for m := range visits {
		visits[m] = 30 + 45*math.Max(0, math.Sin(2*math.Pi*float64(m)/300))
	}
	s := simulation.DefaultScenario(simulation.Trace{Name: "hump", Start: noon, Visits: visits})
	s.Site.Capacity, s.Policy.Capacity = 1200, 1200
	// Of a site this small a sample of one in twenty is mostly noise, and two days
	// under a feedback law drift apart on that alone.
	s.Conditions.Sample, s.Conditions.MetricNoise = 1, 0.01
	fast, err := simulation.Run(s, simulation.Law)
	if err != nil {
		t.Fatal(err)
	}
	full, err := Simulate(t.Context(), s, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	a, b := fast.Summary, full.Summary
	if a.Joined < 1000 {
		t.Fatalf("only %d joined: the day shows nothing", a.Joined)
	}
	near := func(what string, a, b, share, least float64) {
		t.Helper()
		if math.Abs(a-b) > math.Max(least, share*math.Max(a, b)) {
			t.Errorf("%s: %g fast and %g full", what, a, b)
		}
	}
	near("visits", float64(a.Visits), float64(b.Visits), 0.03, 0)
	near("let in without a code", float64(a.Admitted), float64(b.Admitted), 0.06, 0)
	near("joined", float64(a.Joined), float64(b.Joined), 0.15, 0)
	near("invited", float64(a.Invited), float64(b.Invited), 0.15, 0)
	near("came back", float64(a.Redeemed), float64(b.Redeemed), 0.15, 0)
	near("lost", float64(a.Lost), float64(b.Lost), 0.2, 0)
	near("highest load", a.MaxLoad, b.MaxLoad, 0, 0.08)
	near("utilisation", a.Utilisation, b.Utilisation, 0, 0.05)
	near("median wait", a.WaitP50, b.WaitP50, 0.35, 8)
	if len(full.Series.Load) != len(visits) || full.Series.Because[200] == "" {
		t.Errorf("the series has %d minutes of %d, and reasons such as %q", len(full.Series.Load), len(visits), full.Series.Because[200])
	}
	t.Logf("fast %+v\nfull %+v", a, b)
}

// What it cannot live it refuses, by name.
func TestTheFullSimulationSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	s := simulation.DefaultScenario(simulation.Trace{Name: "hump", Start: noon, Visits: []float64{1}})
	s.Conditions.Frozen = []simulation.Span{{From: 1, Until: 2}}
	if _, err := Simulate(t.Context(), s, time.Now); err == nil {
		t.Error("a frozen metric was accepted")
	}
}
