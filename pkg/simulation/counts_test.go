package simulation

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"raincheck/pkg/admission"
)

// miscounting is the law told wrong counts: more of the sent and the redeemed
// than there were, as when additions to a cohort's counters are made again
// because their answers were lost (pkg/aws/table), or fewer.
type miscounting struct {
	law Controller
	// more is how often each is counted beside once, below 0 the share that is not
	// counted, at a minute.
	more   func(minute int) float64
	random *rand.Rand
	begun  time.Time
}

func (m *miscounting) Name() string { return "miscounting" }

func (m *miscounting) Decide(o admission.Observation) admission.Decision {
	if m.begun.IsZero() {
		m.begun = o.Time
	}
	more := m.more(int(o.Time.Sub(m.begun) / time.Minute))
	wrong := func(cohorts []admission.Cohort) []admission.Cohort {
		cohorts = slices.Clone(cohorts)
		for i := range cohorts {
			n := float64(cohorts[i].Count) * (1 + more)
			cohorts[i].Count = int(n)
			if m.random.Float64() < n-float64(int(n)) {
				cohorts[i].Count++
			}
		}
		return cohorts
	}
	o.Sent, o.Redeemed = wrong(o.Sent), wrong(o.Redeemed)
	return m.law.Decide(o)
}

// TestWrongCountsAreBounded: the counters of the cohorts are estimates, and this
// is what it costs when they are wrong. One answer in fifty lost all day is two
// orders above what DynamoDB promises; a quarter of an hour in which every
// addition is made three times is the worst that its clients can do. Both err on
// the safe side, more people being expected than there are. That is why an
// addition whose answer is lost is made again: the other error, people who come
// and are not counted, overloads the site until the metric tells.
func TestWrongCountsAreBounded(t *testing.T) {
	t.Parallel()
	day, err := Builtin("hcgov")
	if err != nil {
		t.Fatal(err)
	}
	exact := must(t, DefaultScenario(day), Law).Summary
	quarter := func(more float64) func(int) float64 {
		return func(m int) float64 {
			if m >= 17*60 && m < 17*60+15 { // of the trace, with thousands of codes out
				return more
			}
			return 0
		}
	}
	allDay := func(more float64) func(int) float64 { return func(int) float64 { return more } }
	for _, story := range []struct {
		name    string
		more    func(minute int) float64
		maxLoad float64
	}{
		{"one in fifty counted twice, all day", allDay(0.02), 0.98},
		{"one in fifty not counted, all day", allDay(-0.02), 0.98},
		{"everything three times, for a quarter of an hour", quarter(2), 1},
		{"nothing counted, for a quarter of an hour", quarter(-1), 1.25},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			got := must(t, DefaultScenario(day), func(p admission.Policy) Controller {
				return &miscounting{law: Law(p), more: story.more, random: rand.New(rand.NewPCG(1, 2))}
			}).Summary
			t.Logf("%s: load %.3f at most, %d minutes above 1, lost %.2f %%; exact %.3f, %d, %.2f %%", story.name,
				got.MaxLoad, got.Above100, 100*got.LostShare(), exact.MaxLoad, exact.Above100, 100*exact.LostShare())
			if got.MaxLoad > story.maxLoad || got.LostShare() > exact.LostShare()+0.005 {
				t.Errorf("the load reached %.3f, %.2f %% were lost", got.MaxLoad, 100*got.LostShare())
			}
		})
	}
}
